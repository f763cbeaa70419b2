import { Fault } from './core/model/fault.ts';
import type { Side } from './core/model/hooks.ts';
import type { ClientConnection, DaemonHooks, Plugin, PluginContext, RelayHooks } from './core/model/plugin.ts';
import { hooksTrouble, pluginTrouble } from './core/model/plugin-shape.ts';

/** What a plugin is tried with. */
export interface Samples {
  /** Options that it takes, as they stand in the config file beside `use`. Default: none. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Options that it must refuse. A key that no plugin can know is tried in any case. */
  readonly refused?: readonly Readonly<Record<string, unknown>>[];
  /** What it is told of the daemon's environment. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>;
  /** A client that its `admit` may be asked about. Default: one on a Unix socket. */
  readonly client?: ClientConnection;
}

/** How long a factory may take, and clean-up after its signal, ms. */
const patience = { factory: 10_000, cleanUp: 2_000 };
/** A sentence is one line of this many characters at most. */
const longest = 512;

/**
 * Tries whether a plugin keeps the rules of docs/plugins.md: its shape, its options, what its factories return, that it leaves nothing open once
 * its signal is aborted, that it says why. Rejects with an Error that names everything that is wrong; any test runner can await it.
 */
export async function pluginConforms<Options>(plugin: Plugin<Options>, samples: Samples = {}): Promise<void> {
  const trouble = pluginTrouble(plugin);
  if (trouble !== null) throw new Error(`the plugin ${trouble}`);
  const wrong: string[] = [];
  const options = tryOptions(plugin, samples, wrong);
  for (const side of ['daemon', 'relay'] as const) {
    const factory = plugin[side]?.bind(plugin);
    if (factory === undefined || options === null) continue;
    // Twice, for each lane has its own.
    for (const time of ['first', 'second'] as const) {
      if (wrong.length > 0) break;
      await tryFactory({ factory, side, time, options: options.parsed, samples }, wrong);
    }
  }
  if (wrong.length > 0) throw new Error(`plugin ${plugin.name} does not conform: ${wrong.join('; ')}`);
}

function tryOptions<Options>(
  plugin: Plugin<Options>,
  samples: Samples,
  wrong: string[],
): { readonly parsed: Options } | null {
  const { options: given = {}, refused = [] } = samples;
  const { options } = plugin;
  if (options === undefined) {
    if (Object.keys(given).length > 0) wrong.push('it takes no options, and the samples have some');
    // A plugin without options is handed undefined, whatever its type says.
    return { parsed: undefined as Options };
  }
  for (const bad of [{ ...given, 'no-plugin-knows-this-key': 1 }, ...refused]) {
    try {
      options.parse(bad);
      wrong.push(`its options take ${JSON.stringify(bad)}, which they should refuse`);
    } catch (error) {
      checkSentence('what its options say of a mistake', error instanceof Error ? error.message : error, wrong);
    }
  }
  try {
    return { parsed: options.parse(given) };
  } catch (error) {
    wrong.push(`its options refuse ${JSON.stringify(given)}: ${String(error)}; give samples.options`);
    return null;
  }
}

interface Try<Options> {
  readonly factory: (context: PluginContext<Options>) => DaemonHooks | RelayHooks | Promise<DaemonHooks | RelayHooks>;
  readonly side: Side;
  readonly time: 'first' | 'second';
  readonly options: Options;
  readonly samples: Samples;
}

async function tryFactory<Options>(
  { factory, side, time, options, samples }: Try<Options>,
  wrong: string[],
): Promise<void> {
  const before = openThings();
  const controller = new AbortController();
  const context = {
    relay: 'sample',
    options,
    env: samples.env ?? {},
    signal: controller.signal,
    uidOf: async () => process.getuid?.() ?? null,
  };
  try {
    const hooks = await inTime(Promise.resolve(factory(context)));
    const trouble = hooksTrouble(hooks, side);
    if (trouble !== null) wrong.push(`it ${trouble}`);
    else if (hooks !== undefined && hooks !== null && 'admit' in hooks) await tryAdmit(hooks, samples, wrong);
  } catch (error) {
    // A plugin may say that it cannot work here.
    if (error instanceof Fault) checkSentence(`what ${side} throws`, error.message, wrong);
    else wrong.push(`its ${side} failed when it was called the ${time} time: ${String(error)}`);
  } finally {
    controller.abort(new Error('the relay ends'));
  }
  const left = await leftOpen(before);
  if (left.length > 0) wrong.push(`its ${side} leaves open after its signal was aborted: ${left.join(', ')}`);
}

async function tryAdmit(hooks: RelayHooks, { client }: Samples, wrong: string[]): Promise<void> {
  const answer = await hooks.admit?.(client ?? { relay: 'sample', forward: 0, from: null, to: null });
  if (answer !== true) checkSentence('what admit answers', answer, wrong);
}

/** A user reads it behind the name of the plugin. */
function checkSentence(what: string, said: unknown, wrong: string[]): void {
  if (typeof said !== 'string' || said.trim() === '') wrong.push(`${what} is no text`);
  else if (said.length > longest) wrong.push(`${what} is longer than ${longest} characters`);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `no answer within ${patience.factory / 1000} s`;
    timer = setTimeout(() => reject(new Error(text)), patience.factory);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How many things of each kind keep this process alive: timers, sockets, watchers. */
function openThings(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind !== 'Immediate') counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What is open that was not before; closing takes some turns of the event loop. */
async function leftOpen(before: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const until = performance.now() + patience.cleanUp;
  for (;;) {
    const left = [...openThings()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
    if (left.length === 0 || performance.now() > until) return left;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
