import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { HealthConfig } from '../model/config.ts';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import type { Link } from '../ssh/link/link.ts';

/** Well when the target answers a WebSocket handshake with 101 (RFC 6455 section 4.2.2) and a ping with a pong. */
export async function probeWebsocket(
  link: Link,
  target: Endpoint,
  health: HealthConfig,
  signal: AbortSignal,
): Promise<void> {
  const name = formatEndpoint(target);
  const channel = await link.dial(target, { address: '127.0.0.1', port: 0 });
  try {
    await handshake(asSocket(channel), name, target, health, signal);
  } finally {
    channel.resume();
    channel.close();
  }
}

function handshake(
  socket: Duplex,
  name: string,
  target: Endpoint,
  health: HealthConfig,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const host = target.kind === 'tcp' ? name : 'localhost';
    const agent = new Agent({ keepAlive: false });
    agent.createConnection = () => socket;
    const websocket = new WebSocket(`ws://${host}${health.path}`, {
      agent,
      handshakeTimeout: health.timeout,
      maxPayload: 1024 * 1024,
      followRedirects: false,
    });
    const fail = (code: 'PROBE_FAILED' | 'TOKEN_MISSING', text: string) => {
      finish();
      reject(new Fault(code, text));
    };
    const late = () =>
      fail('PROBE_FAILED', `${name} gave no WebSocket answer within ${health.timeout / 1000} s; look at the backend`);
    const timer = setTimeout(late, health.timeout);
    const aborted = () => {
      finish();
      reject(signal.reason);
    };
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      websocket.removeAllListeners();
      // Terminating a socket that is still connecting raises an error that nobody waits for.
      websocket.on('error', () => undefined);
      websocket.terminate();
    };
    signal.addEventListener('abort', aborted, { once: true });
    websocket.on('open', () => websocket.ping());
    websocket.on('pong', () => {
      finish();
      resolve();
    });
    websocket.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      if (status === 401) fail('TOKEN_MISSING', `${name} answers 401: it asks for a token; give the relay a token`);
      else
        fail('PROBE_FAILED', `${name} answers ${status} instead of a WebSocket handshake (101); look at the backend`);
    });
    websocket.on('error', (error) =>
      fail('PROBE_FAILED', `${name} speaks no WebSocket: ${printable(error.message)}; look at the backend`),
    );
    websocket.on('close', () => fail('PROBE_FAILED', `${name} closed the WebSocket at once; look at the backend`));
  });
}

/** node:http and ws call these on what they think is a net.Socket; an SSH channel has no use for them. */
function asSocket(channel: Duplex): Duplex {
  const nothing = () => channel;
  return Object.assign(channel, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
    destroySoon: () => channel.destroy(),
  });
}
