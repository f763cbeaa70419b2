import type { OpenConfig } from '../core/config/edit/open-config.ts';
import type { Parsed } from '../core/config/problem.ts';
import type { RelayConfig } from '../core/model/config.ts';
import { type Endpoint, formatEndpoint, formatEnds, formatTarget } from '../core/model/endpoint.ts';
import { Fault } from '../core/model/fault.ts';
import type { FaultCode } from '../core/model/fault-table.ts';
import { printable } from '../core/model/printable.ts';
import { type Arguments, readText } from './arguments.ts';
import { askBackend, type BackendAnswers, readBackend } from './backend-answers.ts';
import { chooseHost } from './choose-host.ts';
import type { Called } from './commands.ts';
import { change, openForChange, tellDaemon, upCommand } from './config-change.ts';
import { canAsk, leftCode, openDialogue } from './dialogue.ts';
import { forwardText, listenText, ownerOf, readHost, readListen, readNewName, readPort } from './relay-answers.ts';
import type { Terminal } from './terminal.ts';

/** Mains' port: the first backend to serve. */
const usualPort = 8787;

/** What a new relay is made of; null: not said. */
interface Answers {
  readonly name: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly listen: Endpoint | null;
  readonly backend: BackendAnswers;
}

/** `towline add [NAME]`: writes a relay into the config, which it makes where there is none. */
export async function add({ given, terminal }: Called): Promise<number> {
  const opened = openForChange(given, true, terminal);
  const said = readAnswers(given, opened);
  const missing = said.name === null || said.host === null;
  const answers = missing && canAsk(terminal) ? await askFor(said, opened, given, terminal) : said;
  if (answers === null) {
    terminal.say('nothing was written');
    return leftCode;
  }
  const { name, host } = answers;
  if (name === null) throw new Fault('USAGE', 'add needs a NAME for the relay; write `towline add NAME --host HOST`');
  if (host === null) {
    throw new Fault(
      'USAGE',
      'add needs --host: an alias of ssh_config or [user@]host[:port]; `towline hosts` lists those known',
    );
  }
  const { launch, token, port: recipePort } = answers.backend;
  const port = answers.port ?? recipePort ?? usualPort;
  const listen = answers.listen ?? usualListen(port, opened);
  const forward = launch === null ? forwardText(listen, port) : `${listenText(listen)}:backend`;
  // A port that was named is the backend's; else it takes a free one.
  const launched = launch !== null && answers.port !== null ? { ...launch, port } : launch;
  const plugins = [launched, token].filter((plugin) => plugin !== null);
  const changed = change(opened, { kind: 'add', name, relay: { host, forward, plugins } });
  await tell(changed, name, opened.bytes === null, given, terminal);
  return 0;
}

function readAnswers(given: Arguments, opened: OpenConfig): Answers {
  return {
    name: read(given, 'name', (text) => readNewName(text, opened), 'USAGE'),
    host: read(given, 'host', readHost, 'HOST_INVALID'),
    port: read(given, 'port', readPort, 'USAGE'),
    listen: read(given, 'listen', (text) => readListen(text, opened), 'USAGE'),
    backend: readBackend(given),
  };
}

function read<Value>(
  given: Arguments,
  key: string,
  parse: (text: string) => Parsed<Value>,
  code: FaultCode,
): Value | null {
  const text = readText(given, key);
  if (text === null) return null;
  const parsed = parse(text);
  if ('value' in parsed) return parsed.value;
  const { message, expected } = parsed.trouble;
  throw new Fault(code, `${key === 'name' ? 'NAME' : `--${key}`}: ${message}; expected ${expected}`);
}

/** Asks for everything that was not said; null: the person has left. */
async function askFor(
  said: Answers,
  opened: OpenConfig,
  given: Arguments,
  terminal: Terminal,
): Promise<Answers | null> {
  const dialogue = openDialogue(terminal);
  try {
    const readName = (text: string) => readNewName(text, opened);
    const name = said.name ?? (await dialogue.ask({ text: 'Name of the relay', otherwise: null, read: readName }));
    if (name === null) return null;
    const host = said.host ?? (await chooseHost(await detected(given, opened, terminal), dialogue, terminal));
    if (host === null) return null;
    const usual = String(said.backend.port ?? usualPort);
    const port =
      said.port ?? (await dialogue.ask({ text: 'Port of the backend on that host', otherwise: usual, read: readPort }));
    if (port === null) return null;
    const here = usualListen(port, opened);
    const otherwise = here.kind === 'tcp' ? String(here.port) : formatEndpoint(here);
    const text = 'Port on this machine (0: any free one, and it is kept)';
    const readHere = (answer: string) => readListen(answer, opened);
    const listen = said.listen ?? (await dialogue.ask({ text, otherwise, read: readHere }));
    const backend = listen === null ? null : await askBackend(dialogue, said.backend);
    return listen === null || backend === null ? null : { name, host, port, listen, backend };
  } finally {
    dialogue.close();
  }
}

async function detected(given: Arguments, { config }: OpenConfig, terminal: Terminal) {
  try {
    const { detect } = await import('./hosts.ts');
    return (await detect(readText(given, 'F') ?? config?.sshConfig ?? null)).hosts;
  } catch (error) {
    terminal.say(`  no hosts can be listed: ${printable(Fault.from(error).message)}`);
    return [];
  }
}

/** The same port as there, unless another relay has it or only root may bind it: then any free one. */
function usualListen(port: number, { config }: OpenConfig): Endpoint {
  const same: Endpoint = { kind: 'tcp', host: '127.0.0.1', port };
  const free = ownerOf(same, config) === null && (port > 1023 || process.geteuid?.() === 0);
  return free ? same : { ...same, port: 0 };
}

async function tell(
  { file, config, lines }: OpenConfig,
  name: string,
  made: boolean,
  given: Arguments,
  terminal: Terminal,
): Promise<void> {
  const relay = config?.relays.find((one) => one.name === name);
  if (config === null || relay === undefined) throw new Fault('INTERNAL', `relay "${name}" is not in ${file}`);
  const say = (text: string) => void terminal.say(printable(text));
  if (made) say(`made ${file}, for your eyes only (0600)`);
  say(`added ${name} at ${file}:${lines.get(name) ?? 1}: ${wayOf(relay)}`);
  if (relay.forwards.some(({ listen }) => listen.kind === 'tcp' && listen.port === 0))
    say(`its port here is chosen at the first start, and kept; \`towline status ${name}\` shows it`);
  // What `towline check` would say of it.
  const { rehearse } = await import('./rehearse.ts');
  const sshConfig = readText(given, 'F') ?? config.sshConfig;
  const [rehearsed] = await rehearse({ ...config, sshConfig, relays: [relay] });
  for (const warning of new Set(rehearsed?.warnings)) say(`warning: ${warning}`);
  const near = await nearOf(relay.host, sshConfig);
  if (near !== null)
    say(
      `warning: ssh_config has no host ${relay.host}; did you mean ${near}? then write it into ${file}:${lines.get(name) ?? 1}`,
    );
  if (rehearsed?.fault != null) say(`it cannot start yet: ${rehearsed.fault.message} [${rehearsed.fault.code}]`);
  say((await tellDaemon(file, [])) ?? `start it with \`${upCommand(file)}\``);
  const token = tokenHint(relay);
  if (token !== null) say(token);
  say(
    `a UI gets its address and token by \`towline url ${name}\`, the token alone by \`towline token ${name} --copy\``,
  );
}

/** How a token is declared that neither a rule nor what is known of the backend finds; null: one of them does. */
function tokenHint({ name, plugins: [plugin, ...others] }: RelayConfig): string | null {
  const set = `\`towline token set ${name}\` takes it`;
  if (plugin === undefined) return `if its backend has a token, ${set}`;
  const { recipe, tokenPattern, tokenJson } = plugin.options;
  const known = (tokenPattern ?? tokenJson) !== undefined || (recipe !== undefined && recipe !== 'generic');
  if (plugin.use !== 'launch' || others.length > 0 || known) return null;
  return `if its backend prints a token, "tokenPattern" or "tokenJson" (\`towline add --token-pattern | --token-json\`) learns it; if you know the token, ${set}`;
}

async function nearOf(host: string, sshConfig: string | null): Promise<string | null> {
  try {
    return await (await import('./near-host.ts')).nearHost(host, sshConfig);
  } catch {
    // What is wrong with ssh_config has been said already.
    return null;
  }
}

function wayOf({ host, forwards }: RelayConfig): string {
  return forwards
    .map(({ kind, listen, target }) =>
      kind === 'local'
        ? `${formatEndpoint(listen)} -> ${host} -> ${formatTarget(target)}`
        : `${formatEnds({ kind, listen, target })} by ${host}`,
    )
    .join(', ');
}
