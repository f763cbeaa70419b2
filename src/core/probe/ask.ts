import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { asSocket } from './as-socket.ts';
import type { TokenParts } from './shown-token.ts';

/** One request over one connection. */
export interface Asking extends TokenParts {
  readonly kind: 'http' | 'websocket';
  /** What the sentences of its faults begin with. */
  readonly name: string;
  /** ms. */
  readonly timeout: number;
}

/**
 * Asks once over a stream, which it closes, and answers the status. 101 is a handshake that was agreed on (RFC 6455 section 4.2.2). Rejects with
 * PROBE_FAILED where no HTTP answer comes, and with the signal's reason.
 */
export async function ask(stream: Duplex, asking: Asking, signal: AbortSignal): Promise<number> {
  stream.on('error', () => undefined); // 'close' follows
  try {
    signal.throwIfAborted();
    return await answer(stream, asking, signal);
  } finally {
    // ssh2 tells the end of a channel only to who reads it.
    stream.resume();
    stream.destroy();
  }
}

function answer(stream: Duplex, { kind, name, timeout, path, ...parts }: Asking, signal: AbortSignal): Promise<number> {
  const key = randomBytes(16).toString('base64');
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': key,
    'sec-websocket-version': '13',
    ...(parts.protocols.length === 0 ? {} : { 'sec-websocket-protocol': parts.protocols.join(', ') }),
  };
  const headers = {
    host: 'localhost',
    ...parts.headers,
    ...(kind === 'websocket' ? upgrade : { connection: 'close' }),
  };
  return new Promise((resolve, reject) => {
    const call = request({ path, headers, createConnection: () => asSocket(stream) });
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      call.destroy();
    };
    const fail = (why: string) => {
      finish();
      reject(new Fault('PROBE_FAILED', `${name} ${why}; look at the backend`));
    };
    const aborted = () => {
      finish();
      reject(signal.reason);
    };
    const done = (status: number) => {
      finish();
      resolve(status);
    };
    const timer = setTimeout(() => fail(`gave no answer within ${timeout / 1000} s`), timeout);
    signal.addEventListener('abort', aborted, { once: true });
    const pretended = 'answers 101 without having understood the WebSocket handshake';
    call.on('response', ({ statusCode = 0 }: IncomingMessage) => {
      if (statusCode === 101) fail(pretended);
      else done(statusCode);
    });
    call.on('upgrade', ({ statusCode = 0, headers: said }: IncomingMessage) => {
      if (said['sec-websocket-accept'] === acceptOf(key)) done(statusCode);
      else fail(pretended);
    });
    call.on('error', (error) => fail(`speaks no HTTP: ${printable(error.message)}`));
    call.on('close', () => fail('closed the connection without an answer'));
    call.end();
  });
}

/** RFC 6455 section 4.2.2, point 5.4. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
