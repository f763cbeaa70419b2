import { type IncomingMessage, request } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Event } from '../core/model/event.ts';
import { Fault, type FaultReport } from '../core/model/fault.ts';
import type { BackendFacts } from '../core/model/backend.ts';
import type { Endpoint, ForwardKind } from '../core/model/endpoint.ts';
import { Secret } from '../core/model/secret.ts';
import type { Reloaded, Touch } from '../core/supervisor/reloads.ts';
import type { DaemonStatus, RelayStatus } from '../core/model/status.ts';
import type { UnlockMessage } from './unlock-message.ts';

/** Who a daemon is. */
export interface DaemonVersion {
  readonly version: string;
  readonly pid: number;
  readonly config: string;
  readonly since: number;
}

/** What a UI needs to reach the backend of a relay. */
export interface TokenReply {
  /** Null: it has none, or nobody knows one. */
  readonly token: Secret | null;
  readonly backend: BackendFacts | null;
  /** Where each forward listens. */
  readonly listen: readonly Endpoint[];
  /** Whether each forward leads to the backend; none is known to where no plugin brought one. */
  readonly leads: readonly boolean[];
  /** Only at a `local` one a UI finds something of the host's. */
  readonly kinds: readonly ForwardKind[];
}

/** The control API as functions. Each throws NOT_RUNNING when no daemon answers, else the fault that the daemon reports. */
export interface ControlClient {
  version(): Promise<DaemonVersion>;
  status(): Promise<DaemonStatus>;
  command(verb: 'start' | 'stop' | 'restart', relay: string): Promise<RelayStatus>;
  /** Has the config file read again; `touch`: whose open links may end. Throws what is wrong with it; then nothing has changed. */
  reload(touch: Touch): Promise<Reloaded>;
  /** Returns when the daemon has agreed to end. */
  down(now: boolean): Promise<void>;
  /** Each event after number `after`, until the daemon ends or drops us, or `signal` is aborted. */
  events(after: number, signal: AbortSignal): AsyncGenerator<Event, void, undefined>;
  /** Has the relay try at once, and tells its questions and what becomes of it, until the daemon ends or `signal` is aborted. */
  unlock(relay: string, signal: AbortSignal): AsyncGenerator<UnlockMessage, void, undefined>;
  /** Answers a question, one answer for each prompt (null: nobody will); kept so many ms, null: as long as the daemon thinks fit. */
  answer(question: number, answers: readonly Secret[] | null, lifetime: number | null): Promise<void>;
  /** The token of the relay's backend, and what is known of that. */
  token(relay: string): Promise<TokenReply>;
  /** Has the daemon look again for a token that was set by hand. */
  retoken(relay: string): Promise<void>;
}

/** Opens nothing yet: each call makes its own connection to the socket. */
export function openClient(socket: string, { timeout = 10_000 }: { readonly timeout?: number } = {}): ControlClient {
  const ask = async (method: 'GET' | 'POST', path: string, wait: number | null): Promise<unknown> => {
    const response = await send(socket, { method, path }, wait, null);
    return answered(response.statusCode ?? 0, await read(response));
  };
  // The daemon is this same program: what it answers is parsed here, once, and trusted.
  return {
    version: async () => (await ask('GET', '/v1/version', timeout)) as DaemonVersion,
    status: async () => (await ask('GET', '/v1/status', timeout)) as DaemonStatus,
    // Draining takes as long as the config says.
    command: async (verb, relay) =>
      (await ask('POST', `/v1/relays/${encodeURIComponent(relay)}/${verb}`, null)) as RelayStatus,
    // Plugins are asked, one after another.
    reload: async (touch) => {
      const query = touch === 'all' ? '' : `?touch=${encodeURIComponent(touch.join(','))}`;
      return (await ask('POST', `/v1/reload${query}`, null)) as Reloaded;
    },
    down: async (now) => {
      await ask('POST', `/v1/down${now ? '?now=1' : ''}`, timeout);
    },
    token: async (relay) => {
      const path = `/v1/relays/${encodeURIComponent(relay)}/token`;
      const reply = (await ask('GET', path, timeout)) as Omit<TokenReply, 'token'> & { readonly token: string | null };
      return { ...reply, token: reply.token === null ? null : new Secret(reply.token) };
    },
    retoken: async (relay) => {
      await ask('POST', `/v1/relays/${encodeURIComponent(relay)}/token`, timeout);
    },
    events: (after, signal) => follow<Event>(socket, { method: 'GET', path: `/v1/events?after=${after}` }, signal),
    unlock: (relay, signal) =>
      follow<UnlockMessage>(socket, { method: 'POST', path: `/v1/relays/${encodeURIComponent(relay)}/unlock` }, signal),
    answer: async (question, answers, lifetime) => {
      // The one place where they leave this process: for the user's own daemon.
      const revealed = answers?.map((answer) => answer.reveal()) ?? null;
      const body = JSON.stringify({ answers: revealed, ...(lifetime === null ? {} : { for: lifetime }) });
      const response = await send(socket, { method: 'POST', path: `/v1/questions/${question}`, body }, timeout, null);
      answered(response.statusCode ?? 0, await read(response));
    },
  };
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
}

function send(
  socketPath: string,
  { method, path, body }: Call,
  timeout: number | null,
  signal: AbortSignal | null,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath,
      method,
      path,
      agent: false,
      headers: {
        host: 'towline',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
      ...(signal === null ? {} : { signal }),
    });
    if (timeout !== null) {
      call.setTimeout(timeout, () => call.destroy(new Error(`no answer within ${timeout / 1_000} s`)));
    }
    call.once('response', resolve);
    call.once('error', (error) => reject(absent(socketPath, error)));
    call.end(body);
  });
}

async function read(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return text;
}

function answered(status: number, text: string): unknown {
  const answer: unknown = parse(text);
  if (status >= 200 && status < 300) return answer;
  throw Fault.fromReport(answer as FaultReport);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('INTERNAL', 'the daemon gave an answer that is no JSON; restart it', { cause });
  }
}

function absent(socket: string, cause: NodeJS.ErrnoException): Fault {
  const nobody = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED';
  const message = nobody
    ? 'no towline daemon runs; start one with `towline up --detach`'
    : `the towline daemon does not answer at ${socket} (${cause.message}); see \`towline logs\``;
  return new Fault('NOT_RUNNING', message, { cause, detail: { socket } });
}

/** The messages of a stream of Server-Sent Events. */
async function* follow<Message>(
  socket: string,
  call: Call,
  signal: AbortSignal,
): AsyncGenerator<Message, void, undefined> {
  try {
    const response = await send(socket, call, null, signal);
    if (response.statusCode !== 200) answered(response.statusCode ?? 0, await read(response));
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const chunk of response) {
      const blocks = (rest + decoder.write(chunk as Buffer)).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = block.split('\n').find((line) => line.startsWith('data: '));
        if (data !== undefined) yield parse(data.slice('data: '.length)) as Message;
      }
    }
  } catch (error) {
    // Leaving is how the reader ends it; a cut stream ends it too, since the daemon is gone or has dropped us.
    if (signal.aborted || !(error instanceof Fault)) return;
    throw error;
  }
}
