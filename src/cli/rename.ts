import type { OpenConfig } from '../core/config/edit/open-config.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { change, openForChange, tellDaemon } from './config-change.ts';
import { locateFolders } from '../control/folders.ts';
import { tokenOfRenamed } from './kept-token.ts';
import { launchOf } from './launch-of.ts';
import { readNewName } from './relay-answers.ts';

/** `towline rename RELAY NEW`: changes the name in the config and nothing else. */
export async function rename({ given, terminal }: Called): Promise<number> {
  const [name, to] = [readText(given, 'relay'), readText(given, 'new')];
  if (name === null || to === null)
    throw new Fault('USAGE', 'rename needs the name of a relay and a new one; see `towline rename --help`');
  const opened = openForChange(given, false, terminal);
  if (!opened.lines.has(name)) throw unknownRelay(name, [...opened.lines.keys()], opened.file);
  const parsed = readNewName(to, opened);
  if ('trouble' in parsed) throw new Fault('USAGE', `${parsed.trouble.message}; expected ${parsed.trouble.expected}`);
  const plugin = nameless(opened, name);
  const { file, config } = change(opened, {
    kind: 'rename',
    name,
    to,
    ...(plugin === null ? {} : { keep: { plugin, name } }),
  });
  terminal.say(`renamed ${name} to ${to} in ${printable(file)}`);
  if (plugin !== null)
    terminal.say(`its backend goes on under its old name: the plugin "launch" of ${to} has "name": "${name}" now`);
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

/** Which plugin of a relay launches a backend that is known by the relay's name alone: under another one it would be started again. Null: none. */
function nameless({ config }: OpenConfig, name: string): number | null {
  const relay = config?.relays.find((one) => one.name === name);
  const launch = relay === undefined ? null : launchOf(relay);
  if (relay === undefined || launch === null || launch.options['name'] !== undefined) return null;
  // Without a command or a recipe it starts nothing, and with its link ends what is not there any more when the next one looks.
  if (Object.keys(launch.options).length === 0 || launch.options['lifetime'] === 'session') return null;
  return relay.plugins.findIndex(({ use }) => use === 'launch');
}
