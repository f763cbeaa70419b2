import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { change, openForChange, tellDaemon } from './config-change.ts';
import { locateFolders } from '../control/folders.ts';
import { tokenOfRenamed } from './kept-token.ts';
import { readNewName } from './relay-answers.ts';

/** `towline rename RELAY NEW`: changes the name in the config and nothing else. */
export async function rename({ given, terminal }: Called): Promise<number> {
  const [name, to] = [readText(given, 'relay'), readText(given, 'new')];
  if (name === null || to === null)
    throw new Fault('USAGE', 'rename needs the name of a relay and a new one; see `towline rename --help`');
  const opened = openForChange(given, false, terminal);
  if (!opened.lines.has(name)) throw unknownRelay(name, [...opened.lines.keys()]);
  const parsed = readNewName(to, opened);
  if ('trouble' in parsed) throw new Fault('USAGE', `${parsed.trouble.message}; expected ${parsed.trouble.expected}`);
  const { file, config } = change(opened, { kind: 'rename', name, to });
  terminal.say(`renamed ${name} to ${to} in ${printable(file)}`);
  const relay = config?.relays.find((one) => one.name === to);
  if (relay?.forwards.some(({ listen }) => listen.kind === 'tcp' && listen.port === 0) === true) {
    terminal.say('a port that was chosen for it is not kept: the next start chooses another one');
  }
  const moved = await tokenOfRenamed(locateFolders().state, name, to);
  if (moved !== null) terminal.say(moved);
  const told = await tellDaemon(file, []);
  if (told !== null) terminal.say(printable(told));
  return 0;
}
