import { connect, type Socket } from 'node:net';

/** What a client of the control API heard until the server closed. */
export interface Heard {
  readonly text: string;
  /** How long the server kept the connection, ms. */
  readonly took: number;
  /** How many bytes it let us send. */
  readonly sent: number;
}

/** What a client says, and how. */
export interface Speech {
  readonly first: string;
  /** Said again and again after that, a piece each `every` ms, `total` bytes at most; stops when anything is heard. */
  readonly more?: { readonly piece: string; readonly every: number; readonly total: number };
}

/** Says it, never ends its own side, and waits until the server has closed. */
export function outstay(path: string, { first, more }: Speech): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let text = '';
    let sent = 0;
    let timer: NodeJS.Timeout | undefined;
    const say = (socket: Socket, words: string) => {
      sent += words.length;
      socket.write(words);
    };
    const goOn = (socket: Socket) => {
      if (more === undefined || sent >= more.total || text !== '' || socket.destroyed) return;
      say(socket, more.piece);
      later(socket, more.every);
    };
    // Not before what has come by then is heard: Node drops that where a write meets a socket that is closed.
    const later = (socket: Socket, time: number) => {
      timer = setTimeout(() => setImmediate(goOn, socket), time);
    };
    const socket = connect({ path, allowHalfOpen: true }, () => {
      if (first !== '') say(socket, first);
      if (more !== undefined) later(socket, more.every);
    });
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const settle = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, took: performance.now() - began, sent });
    };
    socket.once('end', settle);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // The server may close while we still write; what it said before counts.
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') settle();
      else reject(error);
    });
  });
}
