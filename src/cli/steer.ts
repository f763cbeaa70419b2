import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../core/model/fault.ts';
import { readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { exitOf, isHopeful, readWait, settled } from './await-relays.ts';
import { connect } from './connect.ts';
import { countOpen, openText } from './open-connections.ts';
import { reasonOf, wordOf } from './status-table.ts';

/** `towline start|stop|restart RELAY`: says what the relay is afterwards. */
export async function steer(verb: 'start' | 'stop' | 'restart', { given, terminal }: Called): Promise<number> {
  const name = readText(given, 'relay');
  if (name === null) throw new Fault('USAGE', `${verb} needs the name of a relay; \`towline status\` lists them`);
  const wait = readWait(given);
  const client = connect();
  if (verb !== 'start') {
    const { relays } = await client.status();
    const open = countOpen(relays.filter((one) => one.name === name));
    if (open > 0) terminal.err(`waiting for ${openText(open)} to end; what is left after the drain time is cut\n`);
  }
  let relay = await client.command(verb, name);
  // Its lanes hear of the wish a moment later: what blocked it until now would be taken for the answer.
  for (let looks = 0; verb === 'start' && relay.standing.word === 'blocked' && looks < 10; looks += 1) {
    await sleep(50);
    relay = (await client.status()).relays.find((one) => one.name === name) ?? relay;
  }
  if (wait !== null) {
    const { relays } = await settled(client, wait, (one) => one.name === name && isHopeful(one));
    relay = relays.find((one) => one.name === name) ?? relay;
  }
  const reason = reasonOf(relay, Date.now());
  // To the relay it is as any other link that ended; the person wanted it.
  const word =
    verb === 'restart' && wait === null && relay.standing.word === 'reconnecting' ? 'restarting' : wordOf(relay);
  terminal.say(`${relay.name}: ${word}${reason === '' ? '' : ` (${reason})`}`);
  return wait === null ? 0 : exitOf([relay], terminal);
}
