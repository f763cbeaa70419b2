import { once } from 'node:events';
import { type Backend, type BackendCall, Fault, type RemoteHost, Secret } from '../../plugin.ts';
import { generic } from '../recipes/generic.ts';
import { beginRun } from './begin-run.ts';
import { endBackend } from './manage.ts';
import type { LaunchOptions } from './options.ts';
import { sha256 } from './plan.ts';
import type { RunRecord } from './run-record.ts';
import { settle } from './scripts/settle.ts';
import type { Session } from './sessions.ts';
import { withVariables } from './sh.ts';
import { verifyRun } from './verify-run.ts';
import { type Ready, watchRun } from './watch-run.ts';

/** What is written down for the links to come may take so long, ms: less than the hook has left. */
const noteTime = 3_000;

/** Makes sure that the backend of a relay runs on a host and is ready; see RelayHooks.backend. */
export async function bringUp(
  host: RemoteHost,
  name: string,
  options: LaunchOptions,
  call: Pick<BackendCall, 'signal' | 'forced' | 'progress' | 'warn'>,
  session: Session,
): Promise<Backend> {
  const until = performance.now() + options.deadline;
  const { signal, forced, progress, warn } = call;
  const { record, token: given, differs } = await beginRun(host, name, options, session, { forced, signal });
  if (!record.adopted) session.launched(record.run);
  if (differs.length > 0) warn(otherOptions(name, session.relay, differs, record));
  if (record.adopted && record.lifetime === 'session' && !session.isOwn(record.run))
    warn(`the backend ${name} belongs to another link, and ends with it`);
  const token = record.adopted ? await keptToken(host, record, options, signal) : (given ?? tokenless(options));
  const time = Math.max(1_000, until - performance.now());
  let ready: Ready;
  try {
    ready = await watchRun(host, { name, options, record, token, time, signal, progress, warn });
  } catch (error) {
    const isLate = error instanceof Fault && error.code === 'LAUNCH_TIMEOUT';
    if (isLate && options.late === 'stop' && !record.adopted) await endLate(host, name, record.run, signal, warn);
    throw error;
  }
  await writeDown(host, name, record, ready, call);
  const { host: address, port, pid, started } = ready;
  return {
    target: { kind: 'tcp', host: address, port },
    run: record.run,
    adopted: record.adopted,
    ...(ready.token === undefined ? {} : { token: ready.token }),
    door: options.recipe?.door ?? null,
    opens: options.recipe === null ? null : { scheme: options.recipe.scheme, page: options.recipe.page },
    ...((record.adopted ? record.lifetime : options.lifetime) === 'session' ? { withLink: true } : {}),
    says: `pid ${pid} since ${clock(started)}`,
    verify: (now) => verifyRun(host, name, record, { host: address, port }, now),
  };
}

/**
 * Ends the run that is late, and no other. The next try is not made before: it would adopt what is about to end. Where the hook has no time left it
 * goes on by itself.
 */
async function endLate(
  host: RemoteHost,
  name: string,
  run: string,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<void> {
  const done = endBackend(host, name, { forGood: false, run }).then(
    ({ left }) => (left.length === 0 ? null : `pid ${left.join(', ')} of it is left`),
    (error: unknown) => Fault.from(error).message,
  );
  const told = done.then((trouble) => {
    if (trouble !== null)
      warn(`the backend ${name} was not ready in time and could not be ended: ${trouble}; look at that host`);
  });
  if (signal.aborted) return;
  const over = new AbortController();
  const aborted = once(signal, 'abort', { signal: over.signal }).catch(() => undefined);
  await Promise.race([told, aborted]);
  over.abort();
}

/** It may hold work, so it goes on as it was started. */
function otherOptions(name: string, relay: string, differs: readonly string[], record: RunRecord): string {
  const was = `the backend ${name} of relay ${relay} was started by another ${differs.join(' and another ')} than the config has now`;
  const { tokenHash, seen } = record;
  const kept =
    tokenHash !== '' ? ', and keeps the token of the older rule' : seen ? ', and has no token by the older rule' : '';
  return `${was}${differs.includes('token rule') ? kept : ''}; \`towline backend stop ${name}\` ends it, then \`towline restart ${relay}\` starts the new one`;
}

/** What is known without a look at its output. Anything else may have a token, which a rule beside `launch` finds. */
function tokenless({ recipe }: LaunchOptions): null | undefined {
  if (recipe === generic) return undefined;
  return recipe?.token.from === 'nowhere' && recipe.door === null ? null : undefined;
}

/** The token of a run that an earlier link started; undefined: it has to be looked for in its output. */
async function keptToken(
  host: RemoteHost,
  { dir, tokenHash, seen, run }: RunRecord,
  options: LaunchOptions,
  signal: AbortSignal,
): Promise<Secret | null | undefined> {
  if (tokenHash === '') return seen && options.recipe?.token.from === 'output' ? null : tokenless(options);
  const text = (await host.readFile(`${dir}/token`, { most: 8192, signal })).toString('utf8').replace(/\n$/, '');
  if (sha256(text) === tokenHash) return new Secret(text);
  throw new Fault(
    'TOKEN_CHANGED',
    `${dir}/token on ${host.facts.remote} is not the token with which the backend was started (run ${run.slice(0, 8)}); look at who changed it`,
  );
}

/** For the links to come; a backend serves without, so that what goes wrong here does not stand in its way. */
async function writeDown(
  host: RemoteHost,
  name: string,
  record: RunRecord,
  ready: Ready,
  { signal, warn }: Pick<BackendCall, 'signal' | 'warn'>,
): Promise<void> {
  const { token, port, host: address } = ready;
  const hash = token instanceof Secret ? sha256(token.reveal()) : '';
  if (record.port === port && record.tokenHash === hash) return;
  const fresh = record.tokenHash !== hash && token instanceof Secret;
  // The hash stands beside each place: without it the next link would take the run for one without a token.
  const variables = { name, run: record.run, port: String(port), host: address, hash, fresh: fresh ? 'yes' : 'no' };
  const stdin = fresh ? `${token.reveal()}\n` : '';
  const written = await host
    .run(withVariables(variables, settle), { stdin, deadline: noteTime, signal })
    .then(({ stdout, late }) => !late && !/^(?:failed|$)/.test(stdout.trim()))
    .catch(() => false);
  // Where nobody waits any more, why is told by who ended it.
  if (!written && !signal.aborted)
    warn(
      `${host.facts.remote} did not write down where the backend ${name} listens; the next link looks for it, and for its token, anew`,
    );
}

function clock(seconds: number): string {
  const at = new Date(seconds * 1000);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
