import type { RelayConfig } from '../core/model/config.ts';
import { type Endpoint, formatEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import type { RelayStatus } from '../core/model/status.ts';
import { bindAll, closeAll } from '../core/supervisor/listeners/bind.ts';
import { listenFault } from '../core/supervisor/listeners/listen-fault.ts';
import { type Finding, well, wrong } from './finding.ts';

/**
 * Whether clients can connect on this machine: what the daemon says of its listeners, else by binding them for a moment. `holder`: the relay of the
 * running daemon that has an address, which `status` need not be of.
 */
export async function listenFindings(
  relay: RelayConfig,
  status: RelayStatus | null,
  holder: (listen: Endpoint) => string | null = () => null,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [index, { kind, listen }] of relay.forwards.entries()) {
    // Only the daemon's own link listens on the other side.
    if (kind === 'remote') continue;
    const name = formatEndpoint(listen);
    const told = status?.forwards[index];
    if (told?.bound === true) {
      findings.push(well('listen', formatEndpoint(told.listen), 'the daemon listens there'));
      continue;
    }
    const held = told === undefined ? holder(listen) : null;
    if (held !== null) {
      findings.push(well('listen', name, `the running daemon listens there, for its relay ${held}`));
      continue;
    }
    // While the daemon tries it again and again, a look of ours could be what it finds there.
    const tried = told !== undefined && status?.running !== 'stopped';
    const report = tried ? told.listenFault : null;
    const fault = report !== null ? Fault.fromReport(report) : tried ? null : await bindFault(listen);
    if (fault !== null) findings.push(wrong('listen', name, fault));
  }
  return findings;
}

/** Null for a free address, and for one that only the daemon can judge: it chooses the port of `:0`, and clears a dead socket away. */
async function bindFault(listen: Endpoint): Promise<Fault | null> {
  if (listen.kind === 'unix' || listen.port === 0) return null;
  try {
    closeAll(await bindAll(listen));
    return null;
  } catch (error) {
    return listenFault(error, listen);
  }
}
