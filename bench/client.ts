import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const request = 'GET /one HTTP/1.1\r\nHost: bench\r\n\r\n';
const chunk = Buffer.alloc(64 * 1024, 'towline ');

/** One new connection, one request, its answer, close. True when the answer came whole within `patience` ms. */
export function ask(port: number, patience: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const leave = (): unknown => socket.destroy();
    signal?.addEventListener('abort', leave);
    let seen = '';
    let well = false;
    const timer = setTimeout(() => socket.destroy(), patience);
    socket.on('error', () => socket.destroy());
    socket.on('connect', () => socket.write(request));
    socket.on('data', (data: Buffer) => {
      seen += data.toString('latin1');
      if (!seen.endsWith('behind\n')) return;
      well = true;
      socket.end();
    });
    // The other side ended without an answer: nobody will come.
    socket.on('end', () => well || socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
      resolve(well);
    });
  });
}

/**
 * A new attempt each `every` ms until the first is answered. Returns ms since the call, null after `patience` ms.
 * Attempts overlap, since one that an ailing tool has accepted may hang for ever while the next is served.
 */
export async function firstAnswer(port: number, every: number, patience: number): Promise<number | null> {
  const started = performance.now();
  const enough = new AbortController();
  let answered: number | null = null;
  let open = 0;
  while (answered === null && performance.now() - started < patience) {
    // A tool that accepts and never answers must not eat all our descriptors.
    if (open < 500) {
      open += 1;
      void ask(port, patience, enough.signal).then((well) => {
        open -= 1;
        if (!well || enough.signal.aborted) return;
        answered = performance.now() - started;
        enough.abort();
      });
    }
    await sleep(every, undefined, { signal: enough.signal }).catch(() => undefined);
  }
  enough.abort();
  return answered;
}

/** New connections, `parallel` at a time, for `ms`. */
export async function rate(port: number, parallel: number, ms: number): Promise<Record<string, number>> {
  const started = performance.now();
  let [answered, failed] = [0, 0];
  const loop = async (): Promise<void> => {
    while (performance.now() - started < ms) {
      if (await ask(port, 5_000)) answered += 1;
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, loop));
  return { answered, failed, ms: performance.now() - started };
}

/** So many connections at once, each with a request, all of them open until the last is answered or lost. */
export async function storm(port: number, count: number, patience: number): Promise<Record<string, number>> {
  const started = performance.now();
  const sockets: Socket[] = [];
  const one = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      sockets.push(socket);
      let seen = '';
      const timer = setTimeout(() => resolve(false), patience);
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      socket.on('connect', () => socket.write(request));
      socket.on('data', (data: Buffer) => {
        seen += data.toString('latin1');
        if (!seen.endsWith('behind\n')) return;
        clearTimeout(timer);
        resolve(true);
      });
    });
  const answers = await Promise.all(Array.from({ length: count }, one));
  const ms = performance.now() - started;
  for (const socket of sockets) socket.destroy();
  return { failed: answers.filter((answered) => !answered).length, ms };
}

/** One stream in one direction. `short` is how many bytes did not arrive. */
export function stream(port: number, way: 'up' | 'down', bytes: number): Promise<Record<string, number>> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let started = 0;
    let [sent, received] = [0, 0];
    const finish = (short: number): void => {
      resolve({ ms: performance.now() - started, short });
      socket.destroy();
    };
    const lost = (): void => finish(way === 'up' ? Math.max(1, bytes - sent) : bytes - received);
    const more = (): void => {
      while (sent < bytes) {
        const part = bytes - sent < chunk.length ? chunk.subarray(0, bytes - sent) : chunk;
        sent += part.length;
        if (!socket.write(part)) return void socket.once('drain', more);
      }
    };
    socket.on('error', lost);
    socket.on('close', lost);
    socket.on('connect', () => {
      started = performance.now();
      if (way === 'up') socket.write(`PUT /up/${bytes} HTTP/1.1\r\n\r\n`, more);
      else socket.write(`GET /down/${bytes} HTTP/1.1\r\n\r\n`);
    });
    let header = true;
    socket.on('data', (data: Buffer) => {
      if (way === 'up') return finish(0);
      received += header ? data.length - data.indexOf('\r\n\r\n') - 4 : data.length;
      header = false;
      if (received >= bytes) finish(0);
    });
  });
}
