import { defaultDeadlines, defaultKeepalive, detectTime, type RelayConfig } from '../core/model/config.ts';
import { formatAddress } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import type { Ask } from '../core/model/question.ts';
import type { Stage } from '../core/model/state.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { remoteHost } from '../core/ssh/link/remote-host.ts';
import type { LoginStep } from '../core/ssh/login-step.ts';
import { freePermit, openLink } from '../core/ssh/open-link.ts';
import type { HostConfig } from '../core/ssh/resolve/host-config.ts';
import { resolveRoute } from '../core/ssh/route.ts';
import { askAgents } from './agent-logins.ts';
import { examineForward, examineForwarding } from './examine-forward.ts';
import { type Finding, mind, well, wrong } from './finding.ts';
import { failedStep, loginFindings, notedStep } from './login-findings.ts';
import { resolveOptions } from './resolve-options.ts';

/** What doctor looks at: a relay of the config, or a host alone. */
export interface Subject {
  readonly host: string;
  /** Null for a host alone. */
  readonly relay: RelayConfig | null;
  readonly sshConfig: string | null;
}

export interface ExamineOptions {
  /** Told each finding as it is made. */
  readonly say: (finding: Finding) => void;
  readonly ask: Ask;
  readonly signal: AbortSignal;
}

const pings = 5;

/** Goes the way that a relay goes, from ssh_config to the backend, by a connection of its own; ends where it cannot go on. */
export async function examine({ host, relay, sshConfig }: Subject, options: ExamineOptions): Promise<void> {
  const { say, ask, signal } = options;
  const resolving = resolveOptions(sshConfig);
  let route: readonly HostConfig[];
  try {
    route = await resolveRoute(host, resolving);
  } catch (error) {
    return say(wrong('ssh_config', '', Fault.from(error)));
  }
  for (const finding of routeFindings(route)) say(finding);
  let link: Link;
  let last: LoginStep | null = null;
  let stage: Stage | null = null;
  try {
    link = await openLink({
      route,
      keepalive: relay?.keepalive ?? null,
      deadlines: relay?.deadlines ?? defaultDeadlines,
      quicken: false,
      env: resolving.env,
      permit: async () => freePermit,
      ask,
      onStage: (next) => {
        stage = next;
      },
      onNote: (text) => say(mind(notedStep(stage), '', text)),
      signal,
      observe: (step) => {
        last = step;
        // With one host on the way there is nothing to tell apart.
        const where = route.length === 1 ? '' : step.where.replace(/ \(.*$/, '');
        for (const finding of loginFindings({ ...step, where })) say(finding);
      },
    });
  } catch (error) {
    const fault = Fault.from(error);
    return say(wrong(failedStep(fault, last), '', fault));
  }
  // A ping has no signal of its own.
  const leave = () => link.close();
  signal.addEventListener('abort', leave, { once: true });
  try {
    await examineLink(link, relay, route, options);
  } catch (error) {
    signal.throwIfAborted();
    if (link.fault === null) throw error;
    say(wrong('round trip', '', link.fault, 'the login went well: look at the log of the server, and at the network'));
  } finally {
    signal.removeEventListener('abort', leave);
    link.close();
  }
}

function routeFindings(route: readonly HostConfig[]): readonly Finding[] {
  const last = route.at(-1);
  if (last === undefined) return [];
  const via = route.slice(0, -1).map(({ alias, ...hop }) => `${alias} (${formatAddress(hop)})`);
  const through = via.length === 0 ? '' : `, reached through ${via.join(', ')}`;
  const warnings = [...new Set(route.flatMap(({ warnings: found }) => found))];
  return [
    well('ssh_config', '', `${last.alias} is ${formatAddress(last)}${through}`),
    ...warnings.map((text) => mind('ssh_config', '', text)),
  ];
}

async function examineLink(
  link: Link,
  relay: RelayConfig | null,
  route: readonly HostConfig[],
  { say, signal }: ExamineOptions,
): Promise<void> {
  const host = route.at(-1)?.alias ?? '';
  say(await nameMachine(link, signal));
  const times: number[] = [];
  for (let n = 0; n < pings; n++) times.push(await link.roundTrip());
  const keepalive = relay?.keepalive ?? route.at(-1)?.keepalive ?? defaultKeepalive;
  const worst = Math.max(...times);
  const notice = `a dead link is noticed after ${detectTime(keepalive) / 1000} s`;
  say(well('round trip', '', `${Math.min(...times).toFixed(1)} to ${worst.toFixed(1)} ms; ${notice}`));
  if (relay === null) await examineForwarding(link, say);
  else for (const forward of relay.forwards) await examineForward(link, forward, host, { say, signal });
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
