import { connect, type Socket } from 'node:net';
import { adaptiveRead } from '../socket/adaptive-read.ts';
import { Fault } from '../model/fault.ts';
import { connectFault } from './errors.ts';

/** Connects to an SSH server: both address families raced (RFC 8305), Nagle off, one deadline over name and connect. */
export function connectTcp(host: string, port: number, deadline: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = `${host}:${port}`;
    const onread = adaptiveRead(() => socket, 64 * 1024, 256 * 1024);
    const socket = connect({ host, port, noDelay: true, autoSelectFamily: true, onread });
    const timer = setTimeout(() => {
      const text = `cannot connect to ${where}: no answer within ${deadline / 1000} s; check the address and the firewall`;
      finish(() => reject(new Fault('CONNECT_TIMEOUT', text, { detail: { where } })));
    }, deadline);
    const aborted = () => finish(() => reject(signal.reason));
    const failed = (error: Error) => finish(() => reject(connectFault(error, where)));
    const connected = () => {
      settle();
      resolve(socket);
    };
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.off('connect', connected);
      socket.off('error', failed);
    };
    const finish = (end: () => void) => {
      settle();
      // A connect that is given up may still fail later; nobody is left to hear it.
      socket.on('error', () => undefined);
      socket.destroy();
      end();
    };
    socket.once('connect', connected);
    socket.once('error', failed);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}
