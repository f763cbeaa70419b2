import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, printable, type RemoteHost, type Secret } from '../../plugin.ts';
import { asFound, foreign } from './launch-faults.ts';
import type { LaunchOptions } from './options.ts';
import { type Plan, planLaunch } from './plan.ts';
import { readRecord, type RunRecord } from './run-record.ts';
import type { Session } from './sessions.ts';

/** How often a backend of lifetime `session` hears that its link is there, ms. */
const beat = 1_000;

export interface Begun {
  readonly record: RunRecord;
  /** What it was given; null: it was adopted, or takes none. */
  readonly token: Secret | null;
  /** What differs between the options by which the running one was started, and those of now. */
  readonly differs: readonly string[];
}

/**
 * Finds the backend that runs, else starts one. `signal` ends the wait; one of lifetime `session` ends with its `session`. Throws BACKEND_STOPPED,
 * LAUNCH_PORT_TAKEN, LAUNCH_FAILED, and what the host refuses.
 */
export async function beginRun(
  host: RemoteHost,
  name: string,
  options: LaunchOptions,
  session: Session,
  { forced, signal }: { readonly forced: boolean; readonly signal: AbortSignal },
): Promise<Begun> {
  const { words, hash, rule, token } = await tell(host, name, options, session, { forced, signal }).catch(
    (error: unknown) => {
      // A script that nobody waits for any more goes on over its link, and may start one.
      if (options.lifetime !== 'session' || !signal.aborted) session.idle();
      throw error;
    },
  );
  if (!words.has('launched')) session.idle();
  const fault = await verdict(host, name, words, options, session.relay);
  if (fault !== null) throw fault;
  const adopted = words.has('adopt');
  const record = readRecord(adopted ? words : new Map([...words, ['hash', hash], ['rule', rule]]), adopted);
  if (!adopted) return { record, token, differs: [] };
  const another = [
    record.hash === hash ? null : 'command',
    ['', rule].includes(record.rule) ? null : 'token rule',
    ['', options.lifetime].includes(record.lifetime) ? null : 'lifetime',
  ];
  return { record, token: null, differs: another.filter((what) => what !== null) };
}

/** What the host says to the script that finds or starts one, and what it would be started with. */
async function tell(
  host: RemoteHost,
  name: string,
  options: LaunchOptions,
  session: Session,
  { forced, signal }: { readonly forced: boolean; readonly signal: AbortSignal },
): Promise<Pick<Plan, 'hash' | 'rule' | 'token'> & { readonly words: ReadonlyMap<string, string> }> {
  const { script, hash, rule, token } = planLaunch(name, options, forced);
  const stdin = token === null ? '' : `${token.reveal()}\n`;
  const given = options.lifetime === 'session' ? beats(stdin, session.signal) : stdin;
  return { words: await untilEnd(host, script, options, signal, given, session.signal), hash, rule, token };
}

/** Resolves with the words of the script as soon as it says `end`; it may go on for as long as its link. */
function untilEnd(
  host: RemoteHost,
  script: string,
  { lifetime, deadline }: LaunchOptions,
  signal: AbortSignal,
  stdin: string | AsyncIterable<string>,
  session: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  return new Promise((resolve, reject) => {
    const words = new Map<string, string>();
    let rest = '';
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const onStdout = (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString('utf8')}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [key = '', ...value] = line.split(' ');
        words.set(key, value.join(' '));
        if (key === 'end') resolve(words);
      }
    };
    const lasting = lifetime === 'session';
    host
      .run(script, {
        stdin,
        onStdout,
        most: 4096,
        deadline: lasting ? Number.POSITIVE_INFINITY : deadline,
        signal: lasting ? session : signal,
      })
      .then(({ code, late }) => {
        const how = late ? 'took too long' : `ended with ${code === null ? 'a signal' : `exit code ${code}`}`;
        reject(
          new Fault(
            'LAUNCH_FAILED',
            `the script that starts the backend ${how} on ${host.facts.remote}; look at sh there`,
          ),
        );
      }, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

async function* beats(first: string, signal: AbortSignal): AsyncGenerator<string> {
  if (first !== '') yield first;
  while (!signal.aborted) {
    yield 'beat\n';
    await sleep(beat, undefined, { signal }).catch(() => undefined);
  }
}

async function verdict(
  host: RemoteHost,
  name: string,
  words: ReadonlyMap<string, string>,
  { port }: LaunchOptions,
  relay: string,
): Promise<Fault | null> {
  if (words.has('adopt') || words.has('launched')) return null;
  if (words.has('stopped')) {
    const text = `the backend ${name} was stopped with \`towline backend stop\`; \`towline restart ${relay}\` starts it again`;
    return new Fault('BACKEND_STOPPED', text);
  }
  if (words.has('taken')) {
    const owner = await foreign(host, Number(port));
    const text = `port ${port} on ${host.facts.remote} is taken by ${owner}; stop that, or let the backend choose its port ("port": "auto")`;
    return new Fault('LAUNCH_PORT_TAKEN', text, { detail: { port: Number(port) } });
  }
  const unsafe = words.get('unsafe');
  if (unsafe !== undefined) {
    const text = `the state folder on ${host.facts.remote} cannot be used: ${printable(unsafe)}; look at who made it there`;
    return new Fault('LAUNCH_FAILED', text);
  }
  return asFound(words);
}
