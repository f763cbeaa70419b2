import type { ControlClient } from '../control/client.ts';
import { parseDuration } from '../core/config/units.ts';
import { Fault } from '../core/model/fault.ts';
import { faults } from '../core/model/fault-table.ts';
import { printable } from '../core/model/printable.ts';
import type { DaemonStatus, RelayStatus } from '../core/model/status.ts';
import { timeoutSignal } from '../core/model/timeout-signal.ts';
import { type Arguments, readText } from './arguments.ts';
import type { Terminal } from './terminal.ts';

/** `--wait`, ms; null where nothing is said. */
export function readWait(given: Arguments): number | null {
  const text = readText(given, 'wait');
  if (text === null) return null;
  const parsed = parseDuration(text, '1s', '24h');
  if ('value' in parsed) return parsed.value;
  throw new Fault('USAGE', `--wait: ${parsed.trouble.message}; expected ${parsed.trouble.expected}`);
}

/** Waiting may have it connected. */
export function isHopeful({ standing: { word } }: RelayStatus): boolean {
  return word !== 'connected' && word !== 'offline' && word !== 'blocked';
}

/** The status once no relay is to be waited for, or as it is after so many ms: what is wrong should be seen here. */
export async function settled(
  client: ControlClient,
  patience: number,
  awaited: (relay: RelayStatus) => boolean,
): Promise<DaemonStatus> {
  const over = timeoutSignal(patience);
  let status = await client.status();
  if (!status.relays.some(awaited)) return status;
  for await (const _event of client.events(status.id, over)) {
    status = await client.status();
    if (!status.relays.some(awaited)) break;
  }
  return over.aborted ? client.status() : status;
}

/** The exit code for those that were waited for: that of the first one that is not connected, 69 where nothing is wrong with it so far. Names them on stderr. */
export function exitOf(relays: readonly RelayStatus[], terminal: Terminal): number {
  const missing = relays.filter(({ standing: { word } }) => word !== 'connected' && word !== 'offline');
  if (missing.length === 0) return 0;
  const names = missing.map(({ name }) => name).join(', ');
  const stuck = missing.every(({ standing: { word, until } }) => word === 'blocked' && until === null);
  const meanwhile = stuck ? 'the daemon waits until that is mended' : 'the daemon goes on trying';
  terminal.err(`towline: not connected: ${printable(names)}; ${meanwhile}, \`towline status -w\` shows it\n`);
  const fault = missing.map(({ standing }) => standing.fault).find((one) => one !== null);
  return fault == null ? faults.NOT_RUNNING.exit : Fault.fromReport(fault).entry.exit;
}
