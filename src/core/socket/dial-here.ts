import { connect, type Socket } from 'node:net';
import { type Endpoint, formatEndpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { adaptiveRead } from './adaptive-read.ts';

/** Connects to a target of this machine; paused. Rejects with TARGET_REFUSED or OPEN_TIMEOUT. `deadline` in ms. */
export function dialHere(target: Endpoint, deadline: number): Promise<Socket> {
  const name = formatEndpoint(target);
  return new Promise((resolve, reject) => {
    const onread = adaptiveRead(() => socket, 16 * 1024, 256 * 1024);
    const where = target.kind === 'unix' ? { path: target.path } : { host: target.host, port: target.port };
    const socket: Socket = connect({ ...where, allowHalfOpen: true, noDelay: true, onread });
    socket.pause();
    const timer = setTimeout(() => {
      socket.destroy();
      const text = `${name} of this machine did not answer within ${deadline / 1000} s; look at what listens there`;
      reject(new Fault('OPEN_TIMEOUT', text, { detail: { target: name } }));
    }, deadline);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.on('error', (cause) => {
      clearTimeout(timer);
      const text = `nothing answers at ${name} of this machine; start it, or correct the target of the remote forward`;
      reject(new Fault('TARGET_REFUSED', text, { cause, detail: { target: name } }));
    });
  });
}
