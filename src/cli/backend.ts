import { homedir } from 'node:os';
import { findConfig, loadConfig } from '../core/config/load.ts';
import type { Config, RelayConfig } from '../core/model/config.ts';
import { Fault } from '../core/model/fault.ts';
import { printable, printableJson } from '../core/model/printable.ts';
import { remoteHost } from '../core/ssh/link/remote-host.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';
import { readCount, readFlag, readText } from './arguments.ts';
import { listBackends } from '../plugins/launch/manage.ts';
import { askOrRefuse } from './ask-or-refuse.ts';
import { deeds, exitOfDeeds } from './backend-deeds.ts';
import type { OtherConfig } from './backend-text.ts';
import type { Called } from './commands.ts';
import { isSame } from './config-place.ts';
import { connect } from './connect.ts';
import { launchOf } from './launch-of.ts';
import { openOwnLink } from './own-link.ts';
import { readHost } from './read-host.ts';

/** A host, and the folders of its backends that are meant; null: all that there are. */
interface Place {
  readonly host: string;
  /** A relay of the config there; null: it has none. */
  readonly relay: RelayConfig | null;
  readonly names: readonly string[] | null;
  /** No relay of the config has this backend: it is looked for. */
  readonly sought?: true;
  /** The options of the plugin that launches it, by the name of its folder. */
  readonly options: ReadonlyMap<string, unknown>;
}

/** `towline backend ps|stop|logs|reap [RELAY]` */
export async function backend({ given, terminal }: Called): Promise<number> {
  const verb = readText(given, 'verb');
  const deed = verb !== null && Object.hasOwn(deeds, verb) ? deeds[verb] : undefined;
  if (deed === undefined) {
    const said = verb === null ? 'needs a verb' : `has no verb "${printable(verb)}"`;
    throw new Fault('USAGE', `backend ${said}; give one of ${Object.keys(deeds).join(', ')}`);
  }
  const json = readFlag(given, 'json');
  const word = readText(given, 'relay');
  const options = { json, sure: readFlag(given, 'yes'), lines: readCount(given, 'lines', 1, 100), terminal };
  const explicit = readText(given, 'config');
  const config = loadConfig(findConfig({ cwd: process.cwd(), explicit, env: process.env, home: homedir() }));
  const places = choosePlaces(config, word, readHost(given, 'host'));
  const configured = foldersOf(config);
  const running = await runningConfig(config.file);
  const asker = askOrRefuse(json);
  const answers: unknown[] = [];
  let [exit, found] = [0, false];
  try {
    for (const { host, relay, names, sought, options: launches } of places) {
      try {
        const link = await openOwnLink(host, {
          sshConfig: readText(given, 'F') ?? config.sshConfig,
          relay,
          ask: asker.ask(host),
          onNote: (text) => terminal.err(`towline: ${printable(text)}\n`),
          signal: terminal.left,
        });
        try {
          const remote = remoteHost(link);
          if (sought && (await listBackends(remote, names?.[0] ?? null)).length === 0) continue;
          found = true;
          const done = await deed(remote, { host, names, launches, configured, running }, options);
          answers.push(...done);
          exit ||= exitOfDeeds(done);
          if (verb === 'stop') await tellDaemon(config, new Set(done.map(({ name }) => name)));
        } finally {
          link.close();
        }
      } catch (error) {
        const fault = Fault.from(error);
        if (places.length === 1 || fault.code === 'USAGE') throw fault;
        exit ||= fault.entry.exit;
        if (json) answers.push({ host, fault: fault.report() });
        else terminal.err(`towline: ${printable(host)}: ${fault.message} [${fault.code}]\n`);
      }
    }
  } finally {
    asker.close();
  }
  if (!found && exit === 0 && word !== null && places[0]?.sought === true) throw unknown(config, word);
  if (json) terminal.out(`${printableJson(answers)}\n`);
  return exit;
}

/** The folders of all backends that relays launch. */
function foldersOf({ relays }: Config): ReadonlySet<string> {
  return new Set(relays.flatMap((relay) => launchOf(relay)?.name ?? []));
}

/** The backends of the config that the running daemon has, where that is another one; null: it has this one, or none runs. */
async function runningConfig(file: string): Promise<OtherConfig | null> {
  try {
    const { config } = await connect().version();
    return isSame(config, file) ? null : { file: config, folders: foldersOf(loadConfig(config)) };
  } catch {
    return null;
  }
}

/**
 * Has the relays of these backends look at once: until its next health check the daemon would say that all is well. It looks as after
 * `towline token set`, at the backend and its token anew.
 */
async function tellDaemon({ relays }: Config, folders: ReadonlySet<string>): Promise<void> {
  const led = relays.filter((relay) => folders.has(launchOf(relay)?.name ?? ''));
  // Where no daemon runs, or it has another config, nobody has to know.
  for (const { name } of led)
    await connect()
      .retoken(name)
      .catch(() => undefined);
}

/** The backend of one relay, or each host once; on `on` alone, where that is said. */
function choosePlaces({ relays, file }: Config, word: string | null, on: string | null): readonly Place[] {
  const launching = relays.flatMap((relay) => {
    const launch = launchOf(relay);
    return launch === null ? [] : [{ host: relay.host, relay, ...launch }];
  });
  const optionsOn = (host: string) =>
    new Map(launching.filter((one) => one.host === host).map(({ name, options }) => [name, options]));
  if (on !== null) {
    const relay = relays.find(({ host }) => host === on) ?? null;
    const led = launching.find((one) => one.host === on && one.relay.name === word);
    return [{ host: on, relay, names: word === null ? null : [led?.name ?? word], options: optionsOn(on) }];
  }
  if (word === null) {
    if (launching.length > 0) {
      const hosts = new Map(launching.map(({ host, relay }) => [host, relay]));
      return [...hosts].map(([host, relay]) => ({ host, relay, names: null, options: optionsOn(host) }));
    }
    throw new Fault(
      'USAGE',
      `no relay of ${printable(file)} launches a backend; use the plugin "launch" in one, or say by --host where to look`,
    );
  }
  const found = launching.find(({ relay, name }) => relay.name === word || name === word);
  if (found !== undefined) return [{ ...found, names: [found.name], options: new Map([[found.name, found.options]]) }];
  if (!relays.some(({ name }) => name === word)) {
    // That of a relay which was removed, or renamed: its folder is on one of these hosts, if anywhere.
    const hosts = new Map(
      (launching.length > 0 ? launching.map(({ relay }) => relay) : relays).map((one) => [one.host, one]),
    );
    if (hosts.size === 0) throw unknown({ relays, file }, word);
    return [...hosts].map(([host, relay]) => ({ host, relay, names: [word], sought: true, options: new Map() }));
  }
  throw new Fault('USAGE', `${word} launches no backend; use the plugin "launch" in it, or name another relay`);
}

function unknown({ relays, file }: Pick<Config, 'relays' | 'file'>, word: string): Fault {
  return unknownRelay(
    word,
    relays.map(({ name }) => name),
    file,
  );
}
