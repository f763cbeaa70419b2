import { Fault, printable, type Recipe, type RemoteHost, Secret } from '../../plugin.ts';
import { recipes } from '../recipes/recipes.ts';
import { scanRules } from '../printed/scan-rules.ts';
import { hideSecrets, readyPatterns } from './hide-secrets.ts';
import { parseOptions } from './options.ts';
import { clear, end, list, log } from './scripts/manage.ts';
import { withVariables } from './sh.ts';

/** A backend in the state folder of a host. */
export interface RemoteBackend {
  readonly name: string;
  /** `live`: its process, or what that put into the background, runs, or what it has left serves still. `left`: processes of a dead one are there. */
  readonly state: 'live' | 'left' | 'dead';
  /** Ended by `stop`: nobody starts it unless asked to. */
  readonly stopped: boolean;
  /** Cleared away by `reap` since it ran. */
  readonly reaped: boolean;
  /** Null where it was never started. */
  readonly run: string | null;
  readonly pid: number | null;
  readonly processes: readonly number[];
  /** Where it was seen to listen, else the port that it was given. */
  readonly port: number | null;
  /** ms since 1970. */
  readonly started: number | null;
  readonly lifetime: string | null;
  /** Exit code of its process. */
  readonly exit: number | null;
  /** Bytes of its log. */
  readonly log: number;
  readonly command: string | null;
}

/** How an end went. `left`: the processes that outlived it. */
export interface BackendEnd {
  readonly was: 'ended' | 'none' | 'alive';
  readonly left: readonly number[];
  /** Processes that were ended. */
  readonly cleared: readonly number[];
}

/** Tells the backends of the account on a host; `name`: only that one. Rejects with what RemoteHost.run rejects with. */
export async function listBackends(host: RemoteHost, name: string | null = null): Promise<readonly RemoteBackend[]> {
  const { stdout } = await host.run(withVariables({ name: name ?? '' }, list), { most: 1024 * 1024 });
  return stdout
    .split(/^backend /m)
    .slice(1)
    .map((text) => {
      const [called = '', ...lines] = text.split('\n');
      return readBackend(called, new Map(lines.map((line) => [line.replace(/ .*$/s, ''), line.replace(/^\S+ ?/, '')])));
    });
}

function readBackend(name: string, words: ReadonlyMap<string, string>): RemoteBackend {
  const number = (key: string) => (/^\d+$/.test(words.get(key) ?? '') ? Number(words.get(key)) : null);
  const processes = (words.get('processes') ?? '')
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number);
  const exit = number('code');
  const background = (exit === 0 && number('ready') !== null) || words.has('listens');
  const started = number('started');
  return {
    name: printable(name),
    state: words.has('lives') || (processes.length > 0 && background) ? 'live' : processes.length > 0 ? 'left' : 'dead',
    stopped: words.has('stopped'),
    reaped: words.has('reaped'),
    run: words.get('run') ?? null,
    pid: number('pid'),
    processes,
    port: number('ready') ?? number('port'),
    started: started === null ? null : started * 1000,
    lifetime: words.get('life') ?? null,
    exit,
    log: number('size') ?? 0,
    command: words.has('command') ? printable(words.get('command') ?? '') : null,
  };
}

/**
 * Ends a backend: TERM, 5 s, KILL, for all its processes. `forGood`: it is not started again unless somebody asks for it. `run`: only that run of
 * it; one that was started since is let be.
 */
export async function endBackend(
  host: RemoteHost,
  name: string,
  { forGood, run = '', signal }: { readonly forGood: boolean; readonly run?: string; readonly signal?: AbortSignal },
): Promise<BackendEnd> {
  return readEnd(host, name, await act(host, name, end, { mark: forGood ? 'yes' : 'no', only: run }, signal));
}

/** Clears away what a dead backend left: its marked processes and its files, but for the log. One that lives is let be. */
export async function reapBackend(host: RemoteHost, name: string, signal?: AbortSignal): Promise<BackendEnd> {
  return readEnd(host, name, await act(host, name, clear, {}, signal));
}

function act(
  host: RemoteHost,
  name: string,
  script: string,
  variables: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): ReturnType<RemoteHost['run']> {
  return host.run(withVariables({ name, ...variables }, script), signal === undefined ? {} : { signal });
}

function readEnd(
  host: RemoteHost,
  name: string,
  { stdout, late }: { readonly stdout: string; readonly late: boolean },
): BackendEnd {
  if (late) {
    const text = `the backend ${name} on ${host.facts.remote} was not ended within 30 s: another towline holds its lock, or the host is too slow; try again, or look at that host`;
    throw new Fault('LAUNCH_TIMEOUT', text);
  }
  const [said = '', ...words] = (stdout.split('\n')[0] ?? '').split(' ');
  const pids = words.filter((word) => /^\d+$/.test(word)).map(Number);
  if (said === 'ended' || said === 'cleared') return { was: 'ended', left: [], cleared: pids };
  if (said === 'left') return { was: 'ended', left: pids, cleared: [] };
  if (said === 'none' || said === 'alive') return { was: said, left: [], cleared: [] };
  const text = `the backend ${name} on ${host.facts.remote} could not be reached: ${printable(stdout.trim())}; look at its state folder there`;
  throw new Fault('LAUNCH_FAILED', text);
}

/**
 * What a backend printed, the last 2 MiB at most, with its token made unreadable: the one that is kept, and what looks like one by the patterns
 * of the recipes, by `options` (those of the plugin in the config) and by its look. Null where there is no such backend.
 */
export async function readBackendLog(
  host: RemoteHost,
  name: string,
  { options, signal }: { readonly options?: unknown; readonly signal?: AbortSignal } = {},
): Promise<string | null> {
  const most = 3 * 1024 * 1024;
  const { stdout, stderr } = await host.run(withVariables({ name }, log), {
    most,
    ...(signal === undefined ? {} : { signal }),
  });
  const dir = /^dir (.*)$/m.exec(stderr)?.[1];
  if (dir === undefined) return null;
  const token = await host.readFile(`${dir}/token`, { most: 8192 }).then(
    (bytes) => bytes.toString('utf8').trim(),
    // It has none, or none that was written down yet.
    () => '',
  );
  const secrets = token === '' ? [] : [new Secret(token)];
  // What startup files printed is none of its words.
  const mark = /^mark (.+)$/m.exec(stderr)?.[1];
  const from = mark === undefined ? -1 : stdout.indexOf(`${mark}\n`);
  const words = from < 0 ? stdout : stdout.slice(from + `${mark}\n`.length);
  // Where older pieces are gone the first line may be the end of one, with half a token.
  const whole = from >= 0 || /^from 1$/m.test(stderr) ? words : words.replace(/^\S*/, '');
  return hideSecrets(whole, { secrets, patterns: patternsOf(options) });
}

/** How a token may stand in what is printed: by every recipe, and by the one of these options, if they can be read. */
function patternsOf(options: unknown): readonly RegExp[] {
  let own: Recipe | null = null;
  try {
    own = options === undefined ? null : parseOptions(options).recipe;
  } catch {
    // What is wrong with them is for others to say.
  }
  const all = [...recipes.values(), ...(own === null ? [] : [own])];
  return readyPatterns(
    all.map(({ token }) => scanRules({ prints: null, token }, { hosts: [], fixed: null, ownToken: true }).hide),
  );
}
