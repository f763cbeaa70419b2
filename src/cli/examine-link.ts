import { defaultDeadlines, defaultKeepalive, detectTime, type RelayConfig } from '../core/model/config.ts';
import { Fault } from '../core/model/fault.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { remoteHost } from '../core/ssh/link/remote-host.ts';
import type { HostConfig } from '../core/ssh/resolve/host-config.ts';
import { askAgents } from './agent-logins.ts';
import { type BackendOptions, examineBackend } from './examine-backend.ts';
import { examineForward, examineForwarding } from './examine-forward.ts';
import { type Finding, mind, well } from './finding.ts';

const pings = 5;

/** Looks at all that a relay needs of a link that is up. Rejects with what ended the link. */
export async function examineLink(
  link: Link,
  relay: RelayConfig | null,
  route: readonly HostConfig[],
  options: BackendOptions,
): Promise<void> {
  const { say, signal } = options;
  const host = route.at(-1)?.alias ?? '';
  say(await nameMachine(link, signal));
  const times: number[] = [];
  for (let n = 0; n < pings; n++) times.push(await link.roundTrip());
  const keepalive = relay?.keepalive ?? route.at(-1)?.keepalive ?? defaultKeepalive;
  const worst = Math.max(...times);
  const notice = `a dead link is noticed after ${detectTime(keepalive) / 1000} s`;
  say(well('round trip', '', `${Math.min(...times).toFixed(1)} to ${worst.toFixed(1)} ms; ${notice}`));
  if (relay === null) await examineForwarding(link, say);
  else {
    const backend = await examineBackend(link, relay, options);
    for (const forward of relay.forwards) await examineForward(link, forward, { host, backend, say, signal });
  }
  for (const finding of await askAgents(link)) say(finding);
  if (link.fault !== null) throw link.fault;
}

/** Which machine it is, by its own word; a host that runs no commands is told, a link that is lost meanwhile throws. */
async function nameMachine(link: Link, signal: AbortSignal): Promise<Finding> {
  try {
    const { stdout } = await remoteHost(link).run('hostname; id -un; uname -sr', {
      deadline: defaultDeadlines.open,
      signal,
    });
    const [machine = '', user, system] = stdout.split('\n');
    if (machine === '') return mind('machine', '', 'it does not say its name; forwarding works without');
    return well(
      'machine',
      '',
      `${machine} (${system}), as ${user}: what a backend there shows is that of this machine`,
    );
  } catch (error) {
    if (link.fault !== null || signal.aborted) throw error;
    const fault = Fault.from(error);
    if (fault.code !== 'REMOTE_REFUSED' && fault.code !== 'OPEN_TIMEOUT') throw error;
    return mind('machine', '', `${fault.message}; forwarding works without`);
  }
}
