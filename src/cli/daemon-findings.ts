import { Fault } from '../core/model/fault.ts';
import type { Secret } from '../core/model/secret.ts';
import type { RelayStatus } from '../core/model/status.ts';
import { formatAge } from '../control/quantity.ts';
import { connect } from './connect.ts';
import { type Finding, mind, wait, well } from './finding.ts';

/** What a running daemon knows of a relay; null where none runs, or it has no such relay. */
export async function askDaemon(name: string): Promise<RelayStatus | null> {
  try {
    const { relays } = await connect().status();
    return relays.find((one) => one.name === name) ?? null;
  } catch {
    // No daemon, or none that could be asked: this look does not need it.
    return null;
  }
}

/** The token that a running daemon has for a relay; null where it has none, or none runs. */
export async function askDaemonToken(name: string): Promise<Secret | null> {
  return connect()
    .token(name)
    .then(
      ({ token }) => token,
      () => null,
    );
}

/** What nobody would answer here is no trouble of a relay whose daemon has the answer; any other finding as it is. */
export function easeFinding(finding: Finding, status: RelayStatus | null): Finding {
  const wish = finding.fault?.code === 'NEEDS_ANSWER' ? finding.fault.detail['wish'] : undefined;
  if (wish === undefined || status?.lanes.some(({ state }) => state.at === 'up') !== true) return finding;
  const text = `${wish}; the login waits for it only here: the daemon has the answer, and its link is up`;
  return mind(finding.step, finding.where, text, 'run this on a terminal to look at the rest of the way');
}

/** What a running daemon has met with a relay. `told`: the faults that were found without it. */
export function daemonFindings(relay: RelayStatus, told: readonly Fault[]): readonly Finding[] {
  return [launchOf(relay) ?? stateOf(relay, told), ...lastFaultOf(relay, told)];
}

/** A launch that is under way is neither well nor wrong; null: none is. */
function launchOf({ name, standing, lanes }: RelayStatus): Finding | null {
  const lane = lanes.find(({ bringing }) => bringing !== null);
  if (lane?.bringing == null || standing.word === 'connected') return null;
  const { number, of, since, fault } = lane.bringing;
  const begun = `the daemon says ${standing.word}: it is bringing the backend up`;
  const fix = `wait for it: \`towline status ${name} --watch\` shows how it goes on`;
  // A pause tells of its try by itself.
  if (lane.stage === 'pause') return wait('daemon', '', `${begun}; ${lane.note ?? 'it rests between two tries'}`, fix);
  const last = lane.note === null ? '' : `; last: ${lane.note}`;
  const before = fault === null ? '' : `; before: ${fault.message} [${fault.code}]`;
  return wait(
    'daemon',
    '',
    `${begun}, try ${number} of ${of}, ${formatAge(Date.now() - since)} so far${last}${before}`,
    fix,
  );
}

function stateOf({ name, standing, since }: RelayStatus, told: readonly Fault[]): Finding {
  const { word, reason, fault } = standing;
  const age = since === 0 ? '' : ` for ${formatAge(Date.now() - since)}`;
  const isSame = fault !== null && told.some(({ message }) => message === fault.message);
  const why = isSame ? ', for the same reason' : reason === '' ? '' : ` (${reason})`;
  const text = `the daemon says ${word}${age}${why}`;
  if (word === 'connected') return well('daemon', '', text);
  const isTold = fault !== null && told.some(({ code }) => code === fault.code);
  // What ended an attempt may be over, as this look shows; what stands in the way of a relay now is wrong, whoever has met it.
  const stands = word === 'blocked' || word === 'degraded';
  if (fault !== null && stands && !isTold)
    return { step: 'daemon', where: '', state: 'wrong', text, fix: null, fault: Fault.fromReport(fault) };
  const retries = fault !== null && !stands && told.length === 0;
  return mind('daemon', '', text, retries ? `\`towline start ${name}\` tries at once` : null);
}

/** A link that is lost again and again is the network's or the server's doing: its last words say whose. */
function lastFaultOf({ lastFault, standing }: RelayStatus, told: readonly Fault[]): readonly Finding[] {
  if (lastFault === null || standing.fault?.message === lastFault.message) return [];
  if (told.some(({ message }) => message === lastFault.message)) return [];
  // What a person did, and undid, was no trouble.
  if (lastFault.code === 'BACKEND_STOPPED' && standing.word === 'connected') return [];
  const text = `its last trouble, ${formatAge(Date.now() - lastFault.at)} ago: ${lastFault.message} [${lastFault.code}]`;
  const lost = lastFault.code === 'LINK_LOST' || lastFault.code === 'LINK_SILENT';
  const why = lost ? '; a network that drops idle links wants a shorter keepalive' : '';
  return [mind('daemon', '', text, `\`towline logs\` shows how often${why}`)];
}
