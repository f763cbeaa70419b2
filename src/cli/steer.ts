import { Fault } from '../core/model/fault.ts';
import { readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';
import { reasonOf, wordOf } from './status-table.ts';

/** `towline start|stop|restart RELAY`: says what the relay is afterwards. */
export async function steer(verb: 'start' | 'stop' | 'restart', { given, terminal }: Called): Promise<number> {
  const name = readText(given, 'relay');
  if (name === null) throw new Fault('USAGE', `${verb} needs the name of a relay; \`towline status\` lists them`);
  const client = connect();
  if (verb !== 'start') {
    const { relays } = await client.status();
    const open = relays.find((one) => one.name === name)?.counters.open ?? 0;
    const those = open === 1 ? 'one open connection' : `${open} open connections`;
    if (open > 0) terminal.err(`waiting for ${those} to end; what is left after the drain time is cut\n`);
  }
  const relay = await client.command(verb, name);
  const reason = reasonOf(relay, Date.now());
  terminal.say(`${relay.name}: ${wordOf(relay)}${reason === '' ? '' : ` (${reason})`}`);
  return 0;
}
