import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../arena.ts';
import { ask } from '../client.ts';
import { startSsh } from '../contender.ts';
import { type ContenderName, type Figure, figure } from '../figure.ts';
import { running } from '../processes.ts';
import type { Bench, Section } from '../section.ts';
import { startTowline } from '../towline.ts';
import { connectedRelays } from '../towline-status.ts';

const usual = 50;
const patience = 60_000;

interface Outcome {
  /** Seconds until all were connected; null when that never happened. */
  readonly seconds: number | null;
  readonly refused: number;
  readonly connected: number;
  readonly count: number;
}

/** Fifty relays to one sshd with the default MaxStartups, and a hundred, from a cold start. */
export const many: Section = {
  name: 'many',
  what: '50 and 100 relays to one default sshd: time until all are connected, and refused handshakes',
  async run(bench) {
    const relay = await towline(bench, 'relay', usual);
    const hundred = await towline(bench, 'relay', 100);
    const shared = await towline(bench, 'shared', usual);
    const ssh = await loops(bench);
    return {
      figures: [
        ...rows('many.relay', '50 relays, isolation relay', { towline: relay, ssh }),
        ...rows('many.hundred', '100 relays, isolation relay', { towline: hundred }),
        ...rows('many.shared', '50 relays, isolation shared', { towline: shared }),
      ],
      notes: [
        'many: from the start of the daemon until status says connected for all of them; beside it 50 `ssh -N -L` started at once, those that sshd refuses are not started again',
        `many: of the 50 \`ssh -N -L\` ${ssh.connected} connected`,
      ],
    };
  },
};

function rows(id: string, title: string, outcomes: Partial<Record<ContenderName, Outcome>>): Figure[] {
  const samples = new Map<ContenderName, Outcome[]>();
  for (const name of ['towline', 'ssh'] as const) {
    const outcome = outcomes[name];
    if (outcome !== undefined) samples.set(name, [outcome]);
  }
  return [
    figure({ id: `${id}.time`, title: `${title}, all connected`, unit: 's', digits: 1 }, samples, ([one]) =>
      one === undefined || one.seconds === null ? `${one?.connected ?? 0} of ${one?.count ?? usual}` : one.seconds,
    ),
    figure({ id: `${id}.refused`, title: `${title}, handshakes refused`, unit: '', digits: 0 }, samples, ([one]) =>
      // Nobody is refused who never came.
      one === undefined || one.connected === 0 ? 'failed' : one.refused,
    ),
  ];
}

async function towline(bench: Bench, isolation: 'relay' | 'shared', count: number): Promise<Outcome> {
  bench.say(`many, towline, ${count} relays, isolation ${isolation}`);
  const { arena, signal } = bench;
  const ports = await freePorts(bench, count);
  const before = arena.sshd.refused();
  const started = performance.now();
  const daemon = startTowline(
    arena,
    ports.map((port, index) => ({ name: `relay-${index + 1}`, port, isolation })),
  );
  let connected = 0;
  try {
    while (running(daemon.child) && performance.now() - started < patience) {
      connected = await connectedRelays(daemon.runtimeDir);
      if (connected === count) break;
      await sleep(100, undefined, { signal });
    }
    const seconds = connected === count ? (performance.now() - started) / 1_000 : null;
    return { seconds, refused: arena.sshd.refused() - before, connected, count };
  } finally {
    await arena.processes.end(daemon.child, 15_000);
  }
}

async function loops(bench: Bench): Promise<Outcome> {
  const count = usual;
  bench.say('many, ssh -N -L');
  const { arena } = bench;
  const ports = await freePorts(bench, count);
  const before = arena.sshd.refused();
  const started = performance.now();
  const children = ports.map((port) => startSsh(arena, port, `many-${port}`));
  const answers = await Promise.all(
    children.map(async (child, index) => {
      const alive = (): boolean => running(child) && !bench.signal.aborted;
      return until(() => ask(ports[index] ?? 0, 5_000), patience, alive, 'ssh').then(
        () => true,
        () => false,
      );
    }),
  );
  const connected = answers.filter((answered) => answered).length;
  const seconds = connected === count ? (performance.now() - started) / 1_000 : null;
  await Promise.all(children.map((child) => arena.processes.end(child)));
  return { seconds, refused: arena.sshd.refused() - before, connected, count };
}

async function freePorts(bench: Bench, count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await bench.arena.ports.free());
  return ports;
}
