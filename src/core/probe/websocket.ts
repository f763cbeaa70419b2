import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { HealthConfig } from '../model/config.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import { errorCode } from '../model/error-code.ts';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { asSocket } from './as-socket.ts';
import { tokenFault } from './http.ts';
import type { Probe } from './probe.ts';
import { type ShownToken, showToken } from './shown-token.ts';

/** Longer messages, bytes, are not waited for: who begins to send one lives. */
const longest = 64 * 1024;

/**
 * Well when the target answers a WebSocket handshake with 101 (RFC 6455 section 4.2.2) and a ping with a pong, or with a long message.
 * `shown`: the token that the handshake has.
 */
export const probeWebsocket: Probe = async (dial, target, health, signal, shown = null) => {
  const name = formatEndpoint(target);
  const channel = await dial();
  try {
    await handshake(asSocket(channel), name, health, signal, shown);
  } finally {
    channel.resume();
    channel.destroy();
  }
};

function handshake(
  socket: Duplex,
  name: string,
  health: HealthConfig,
  signal: AbortSignal,
  shown: ShownToken | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // What is no name for an address would be quoted with the token in it.
    const host = /^(?:[\w.-]+|\[[0-9a-f:.]+\]):\d+$/i.test(name) ? name : 'localhost';
    const agent = new Agent({ keepAlive: false });
    agent.createConnection = () => socket;
    const { path, headers, protocols } = showToken(health.path, shown);
    const websocket = new WebSocket(`ws://${host}${path}`, [...protocols], {
      agent,
      headers: { ...headers },
      handshakeTimeout: health.timeout,
      maxPayload: longest,
      followRedirects: false,
    });
    const fail = (text: string) => {
      finish();
      reject(new Fault('PROBE_FAILED', text));
    };
    const late = () => fail(`${name} gave no WebSocket answer within ${health.timeout / 1000} s; look at the backend`);
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
    const well = () => {
      finish();
      resolve();
    };
    websocket.on('pong', well);
    websocket.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      if (status === 401 || (status === 403 && shown !== null)) {
        finish();
        reject(tokenFault(name, status, shown));
      } else fail(`${name} answers ${status} instead of a WebSocket handshake (101); look at the backend`);
    });
    websocket.on('error', (error) => {
      // Some send all their state at once, and their pong comes behind it.
      if (errorCode(error) === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') well();
      else fail(`${name} speaks no WebSocket: ${printable(error.message)}; look at the backend`);
    });
    websocket.on('close', () => fail(`${name} closed the WebSocket at once; look at the backend`));
  });
}
