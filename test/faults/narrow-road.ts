import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { dial } from '../fixtures/client.ts';
import { runProgramLine } from '../fixtures/program.ts';
import { type Namespace, startNamespace } from '../fixtures/namespace.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { type Relays, startRelays } from './relays.ts';
import { talk, type Trips } from './talk.ts';

const kinds = ['echo', 'sink', 'source'] as const;
type Kind = (typeof kinds)[number];

/** A way to three targets behind a narrow road: paths of Unix sockets. */
export type Paths = Readonly<Record<Kind, string>>;

/** An sshd at the end of a cable that is as narrow in each direction. */
export interface NarrowRoad {
  readonly office: Namespace;
  readonly sshd: Sshd;
  /** Bytes that came to the sink, by connection, in their order. */
  readonly arrived: readonly number[];
  /** Over the daemon's one link. */
  towline(): Promise<Paths & { readonly relays: Relays }>;
  /** Over a plain `ssh -N -L`. */
  ssh(): Promise<Paths>;
}

/** `rate` and `queue` as tc-tbf(8) has them: `latency` is how long a packet may wait there before one is dropped. */
export async function startNarrowRoad(t: Owner, rate: string, latency: string): Promise<NarrowRoad> {
  const office = await startNamespace(t);
  const far = await startNamespace(t);
  await office.cable(far, 'wire', '10.99.1.1', '10.99.1.2');
  const shape = ['root', 'tbf', 'rate', rate, 'burst', '4k', 'latency', latency];
  await office.run('tc', 'qdisc', 'add', 'dev', 'wire', ...shape);
  await far.run('tc', 'qdisc', 'add', 'dev', 'wirep', ...shape);
  const sshd = await startSshd(t, { under: far.enter, config: ['ListenAddress 10.99.1.2'] });
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace('HostName 127.0.0.1', 'HostName 10.99.1.2');
  writeFileSync(sshd.sshConfigFile, text);
  writeFileSync(sshd.knownHostsFile, sshd.hostKeys.map((key) => `[10.99.1.2]:${sshd.port} ${key}\n`).join(''));
  const dir = makeTemp(t, 'narrow');
  const arrived: number[] = [];
  const serve: Record<Kind, (socket: Socket) => void> = {
    echo: (socket) => pipeline(socket, socket, () => undefined),
    sink: (socket) => {
      const at = arrived.push(0) - 1;
      socket.on('data', (chunk) => {
        arrived[at] = (arrived[at] ?? 0) + chunk.length;
      });
    },
    source: (socket) => {
      pour(socket);
    },
  };
  for (const kind of kinds) await serveAt(t, join(dir, `${kind}-target`), serve[kind]);
  const paths = (who: string) =>
    Object.fromEntries(kinds.map((kind) => [kind, join(dir, `${who}-${kind}`)])) as Record<Kind, string>;
  return {
    office,
    sshd,
    arrived,
    async towline() {
      const at = paths('towline');
      const forwards = kinds.map((kind) => ({
        listen: `unix:${at[kind]}`,
        target: `unix:${join(dir, `${kind}-target`)}`,
      }));
      const relays = await startRelays(t, sshd, { r: { host: 'test', forwards } }, { under: office.enter });
      await relays.reach('r', 'connected');
      return { ...at, relays };
    },
    async ssh() {
      const at = paths('ssh');
      const forwards = kinds.flatMap((kind) => ['-L', `${at[kind]}:${join(dir, `${kind}-target`)}`]);
      const line = [...office.enter, 'ssh', '-F', sshd.sshConfigFile, '-N', ...forwards, 'test'].join(' ');
      runProgramLine(t, line, { home: dir });
      await waitUntil('ssh is there', () =>
        dial(at.echo).then(
          (socket) => socket.destroy().destroyed,
          () => false,
        ),
      );
      return at;
    },
  };
}

/** How it goes to who talks beside loads, `ms` long; and what each load moved, bytes. */
export async function beside(
  road: NarrowRoad,
  paths: Paths,
  loads: { readonly up: number; readonly down: number },
  ms: number,
): Promise<{ readonly trips: Trips; readonly up: readonly number[]; readonly down: readonly number[] }> {
  const open: Socket[] = [];
  const down = Array.from({ length: loads.down }, () => 0);
  const first = road.arrived.length;
  try {
    for (let n = 0; n < loads.up; n += 1) {
      const socket = await dial(paths.sink);
      open.push(socket);
      pour(socket);
    }
    for (let n = 0; n < loads.down; n += 1) {
      const socket = await dial(paths.source);
      open.push(socket);
      socket.on('data', (chunk: Buffer) => {
        down[n] = (down[n] ?? 0) + chunk.length;
      });
    }
    await waitUntil(
      'every load moves',
      () => {
        return road.arrived.length - first === loads.up && down.every((bytes) => bytes > 0);
      },
      { timeout: 60_000 },
    );
    const trips = await talk(paths.echo, ms);
    return { trips, up: road.arrived.slice(first), down: [...down] };
  } finally {
    for (const socket of open) socket.destroy();
  }
}

/** Writes for ever, as fast as it is read. */
function pour(socket: Socket): void {
  const chunk = Buffer.alloc(64 * 1024, 7);
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

async function serveAt(t: Owner, path: string, serve: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    t.teardown(() => socket.destroy());
    serve(socket);
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
}
