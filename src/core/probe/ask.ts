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
  /** A text to look for in the answer. */
  readonly body?: string | null;
}

/** So much of an answer is read where a text is looked for in it. */
export const mostRead = 64 * 1024;

/** What came back. */
export interface Answer {
  /** 101 is a WebSocket handshake that was agreed on (RFC 6455 section 4.2.2). */
  readonly status: number;
  /** Whether the text was in it that was looked for, or none was. */
  readonly found: boolean;
}

/**
 * Asks once over a stream, which it closes. Rejects with PROBE_FAILED where no HTTP answer comes, or its text not in time, and with the
 * signal's reason.
 */
export async function ask(stream: Duplex, asking: Asking, signal: AbortSignal): Promise<Answer> {
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

function answer(stream: Duplex, asking: Asking, signal: AbortSignal): Promise<Answer> {
  const { kind, name, timeout, path, body = null, ...parts } = asking;
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
    const done = (status: number, found: boolean) => {
      finish();
      resolve({ status, found });
    };
    const timer = setTimeout(() => fail(`gave no answer within ${timeout / 1000} s`), timeout);
    signal.addEventListener('abort', aborted, { once: true });
    let broken = () => fail('closed the connection without an answer');
    const pretended = 'answers 101 without having understood the WebSocket handshake';
    call.on('response', (response: IncomingMessage) => {
      const { statusCode = 0 } = response;
      if (statusCode === 101) fail(pretended);
      else if (body === null) done(statusCode, true);
      else {
        // Also where it breaks off: 'close' comes before the error of what was read.
        broken = () => done(statusCode, false);
        search(response, Buffer.from(body), (found) => done(statusCode, found));
      }
    });
    call.on('upgrade', ({ statusCode = 0, headers: said }: IncomingMessage) => {
      if (said['sec-websocket-accept'] === acceptOf(key)) done(statusCode, true);
      else fail(pretended);
    });
    call.on('error', (error) => fail(`speaks no HTTP: ${printable(error.message)}`));
    call.on('close', () => broken());
    call.end();
  });
}

/** Reads until the text has come, the answer has ended, or enough was read; an answer that breaks off has ended. */
function search(response: IncomingMessage, text: Buffer, done: (found: boolean) => void): void {
  let tail = Buffer.alloc(0);
  let left = mostRead;
  response.on('data', (chunk: Buffer) => {
    const seen = Buffer.concat([tail, chunk.subarray(0, left)]);
    left -= chunk.length;
    if (seen.includes(text)) done(true);
    else if (left <= 0) done(false);
    // The text may be cut in two by the end of what has come.
    else tail = Buffer.from(seen.subarray(Math.max(0, seen.length - text.length + 1)));
  });
  response.on('error', () => done(false));
  response.on('end', () => done(false));
}

/** RFC 6455 section 4.2.2, point 5.4. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
