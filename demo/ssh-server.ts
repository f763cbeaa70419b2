import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

import ssh2, { type Connection } from 'ssh2';

/** A small but real SSH server: one key may log in, `direct-tcpip` to one port and `exec` of `true` are all it does. */
export interface DemoSshServer {
  readonly port: number;
  /** Breaks every SSH connection without a word, as a lost network would, and lets nobody in for `away` ms; returns how many there were. */
  kill(away: number): number;
  close(): Promise<void>;
}

/** What it needs to know. */
export interface DemoSshServerOptions {
  /** Its own private key, OpenSSH format. */
  readonly hostKey: string;
  /** The one public key that may log in, OpenSSH format. */
  readonly publicKey: string;
  /** The one loopback port that may be dialed. */
  readonly target: number;
  /** Called each time someone has logged in. */
  readonly onLogin: () => void;
}

/** Starts it on a free loopback port. */
export async function startSshServer(options: DemoSshServerOptions): Promise<DemoSshServer> {
  const sockets = new Set<Socket>();
  const ssh = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) => serve(client, options));
  // Accepting the sockets here lets us turn Nagle's delay off on them, as a real sshd does for a session.
  let awayUntil = 0;
  const listener = createServer({ noDelay: true }, (socket) => {
    if (performance.now() < awayUntil) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    ssh.injectSocket(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    kill(away) {
      awayUntil = performance.now() + away;
      const killed = sockets.size;
      for (const socket of sockets) socket.destroy();
      return killed;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

function serve(client: Connection, options: DemoSshServerOptions): void {
  const allowed = ssh2.utils.parseKey(options.publicKey);
  // A killed connection is what this server is for: nothing to tell.
  client.on('error', () => client.end());
  client.on('authentication', (context) => {
    if (context.method !== 'publickey' || allowed instanceof Error) return context.reject(['publickey']);
    const wanted = allowed.getPublicSSH();
    const same = context.key.data.length === wanted.length && timingSafeEqual(context.key.data, wanted);
    if (!same || context.key.algo !== allowed.type) return context.reject(['publickey']);
    // Without a signature the client only asks whether this key would do.
    if (context.signature === undefined || context.blob === undefined) return context.accept();
    return allowed.verify(context.blob, context.signature, context.hashAlgo) === true
      ? context.accept()
      : context.reject(['publickey']);
  });
  client.on('ready', options.onLogin);
  client.on('tcpip', (accept, reject, { destIP, destPort }) => {
    if (destIP !== '127.0.0.1' || destPort !== options.target) return reject();
    const socket = connect({ port: destPort, host: destIP, noDelay: true, allowHalfOpen: true });
    socket.once('error', () => reject());
    socket.once('connect', () => {
      const channel = accept();
      // Whichever side breaks takes the other along; the client is told by the end of the channel.
      pipeline(channel, socket, () => undefined);
      pipeline(socket, channel, () => undefined);
    });
  });
  client.on('session', (accept) => {
    accept().on('exec', (acceptExec, rejectExec, { command }) => {
      if (command !== 'true') return rejectExec();
      const channel = acceptExec();
      channel.exit(0);
      channel.end();
    });
  });
}
