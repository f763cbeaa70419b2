import type { OpenConfig } from '../core/config/edit/open-config.ts';
import { formatEndpoint } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { readFlag, readText } from './arguments.ts';
import { backendCommand } from './backend-text.ts';
import type { Called } from './commands.ts';
import { change, openForChange, tellDaemon } from './config-change.ts';
import { locateFolders } from '../control/folders.ts';
import { tokenOfRemoved } from './kept-token.ts';
import { launchOf } from './launch-of.ts';
import { canAsk, leftCode, openDialogue } from './dialogue.ts';
import type { Terminal } from './terminal.ts';

/** `towline remove RELAY`: takes a relay out of the config, with the comments inside it. */
export async function remove({ given, terminal }: Called): Promise<number> {
  const name = readText(given, 'relay');
  const opened = openForChange(given, false, terminal);
  const { file, lines } = opened;
  if (name === null) {
    const names = [...lines.keys()];
    const text = `remove needs the name of a relay; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
    throw new Fault('USAGE', text);
  }
  if (!lines.has(name)) throw unknownRelay(name, [...lines.keys()], file);
  if (lines.size === 1) {
    const message = `${name} is the only relay of ${file}, and a config needs one; add another first, or delete the file`;
    throw new Fault('CONFIG_INVALID', message);
  }
  const sure = readFlag(given, 'yes') || (await confirm(opened, name, terminal));
  if (sure !== true) {
    terminal.say('nothing was written');
    return sure === null ? leftCode : 0;
  }
  change(opened, { kind: 'remove', name });
  terminal.say(`removed ${name} from ${printable(file)}`);
  const forgotten = await tokenOfRemoved(locateFolders().state, name);
  if (forgotten !== null) terminal.say(forgotten);
  const left = leftRunning(opened, name);
  if (left !== null) terminal.say(left);
  const told = await tellDaemon(file, [name]);
  if (told !== null) terminal.say(printable(told));
  return 0;
}

/** What the host may go on running for a relay that is gone; null where nothing outlives it. */
function leftRunning({ config }: OpenConfig, name: string): string | null {
  const relay = config?.relays.find((one) => one.name === name);
  const launch = relay === undefined ? null : launchOf(relay);
  if (config === null || relay === undefined || launch === null || launch.options['lifetime'] === 'session')
    return null;
  const others = config.relays.filter((one) => one !== relay && one.host === relay.host);
  if (others.some((one) => launchOf(one)?.name === launch.name)) return null;
  const { host } = relay;
  return `the backend that it launched may go on running on ${printable(host)}; \`${printable(backendCommand('stop', launch.name, host))}\` ends it`;
}

async function confirm({ file, config }: OpenConfig, name: string, terminal: Terminal): Promise<boolean | null> {
  if (!canAsk(terminal))
    throw new Fault('USAGE', 'remove asks before it writes, and there is nobody to ask; add --yes');
  const relay = config?.relays.find((one) => one.name === name);
  const listens = relay?.forwards.map(({ listen }) => formatEndpoint(listen)).join(', ') ?? '';
  const dialogue = openDialogue(terminal);
  try {
    return await dialogue.confirm(
      `Remove ${name} (${printable(relay?.host ?? '')}, ${listens}) from ${printable(file)}?`,
    );
  } finally {
    dialogue.close();
  }
}
