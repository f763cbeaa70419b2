import type { OpenConfig } from '../core/config/edit/open-config.ts';
import type { RelayConfig } from '../core/model/config.ts';
import { type Ends, formatEndpoint, formatEnds } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import type { RelayStatus } from '../core/model/status.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { readFlag, readText } from './arguments.ts';
import { backendCommand } from './backend-text.ts';
import type { Called } from './commands.ts';
import { change, openForChange, tellDaemon } from './config-change.ts';
import { isSame } from './config-place.ts';
import { connect } from './connect.ts';
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
    const message = `${name} is the only relay of ${file}, and a config needs one; add another first (\`towline add\`), or have a running daemon stop it (\`towline down\`) and delete the file`;
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
  const told = await tellDaemon(file, [name, ...(await earlierNames(opened, name))]);
  if (told !== null) terminal.say(printable(told));
  return 0;
}

/** Under which names the daemon may still run it: after a rename that would have ended its open link, it goes on under the old one. */
async function earlierNames({ file, config, lines }: OpenConfig, name: string): Promise<readonly string[]> {
  const removed = config?.relays.find((one) => one.name === name);
  if (removed === undefined) return [];
  const client = connect();
  const running = await client.version().catch(() => null);
  if (running === null || !isSame(running.config, file)) return [];
  const { relays } = await client.status();
  if (relays.some((one) => one.name === name)) return [];
  return relays.filter((one) => !lines.has(one.name) && isAlike(one, removed)).map((one) => one.name);
}

/** A listener on port 0 has another one by now. */
function isAlike({ host, forwards }: RelayStatus, relay: RelayConfig): boolean {
  const ends = ({ kind, listen, target }: Ends, chosen: boolean) =>
    formatEnds({ kind, target, listen: chosen && listen.kind === 'tcp' ? { ...listen, port: 0 } : listen });
  return (
    host === relay.host &&
    forwards.length === relay.forwards.length &&
    relay.forwards.every((forward, index) => {
      const chosen = forward.listen.kind === 'tcp' && forward.listen.port === 0;
      const shown = forwards[index];
      return shown !== undefined && ends(shown, chosen) === ends(forward, chosen);
    })
  );
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
