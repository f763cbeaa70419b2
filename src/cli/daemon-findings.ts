import type { RelayStatus } from '../core/model/status.ts';
import { formatAge } from '../control/quantity.ts';
import { connect } from './connect.ts';
import { type Finding, mind, well } from './finding.ts';

/** What a running daemon has met with a relay; nothing where none runs. */
export async function daemonFindings(name: string): Promise<readonly Finding[]> {
  try {
    const { relays } = await connect().status();
    const relay = relays.find((one) => one.name === name);
    return relay === undefined ? [] : [stateOf(relay), ...lastFaultOf(relay)];
  } catch {
    // No daemon, or none that could be asked: this look does not need it.
    return [];
  }
}

function stateOf({ standing, since }: RelayStatus): Finding {
  const age = since === 0 ? '' : ` for ${formatAge(Date.now() - since)}`;
  const why = standing.reason === '' ? '' : ` (${standing.reason})`;
  const text = `the daemon says ${standing.word}${age}${why}`;
  return standing.word === 'connected' ? well('daemon', '', text) : mind('daemon', '', text);
}

/** A link that is lost again and again is the network's or the server's doing: its last words say whose. */
function lastFaultOf({ lastFault }: RelayStatus): readonly Finding[] {
  if (lastFault === null) return [];
  const text = `its last trouble, ${formatAge(Date.now() - lastFault.at)} ago: ${lastFault.message} [${lastFault.code}]`;
  return [
    mind(
      'daemon',
      '',
      text,
      '`towline logs` shows how often; a network that drops idle links wants a shorter keepalive',
    ),
  ];
}
