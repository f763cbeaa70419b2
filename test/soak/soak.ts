import { setTimeout as sleep } from 'node:timers/promises';
import type { RelayStatus } from '../../src/core/model/status.ts';
import { seeded } from '../fixtures/seeded.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { perform } from './deeds.ts';
import { formatPlanned, isOfRelay, makePlan, type Planned } from './plan.ts';
import { type Outcome, runStream } from './stream.ts';
import { allConnected, relayCount, type Sizes, startWorld, type World } from './world.ts';

/** What a soak found. Each complaint is a failure. */
export interface Report {
  readonly seed: number;
  readonly streams: Readonly<Record<Outcome['how'], number>>;
  /** Streams that ended by a reset though nothing was done to their host or relay. */
  readonly unexplained: number;
  readonly bytes: number;
  readonly faults: number;
  /** How often a relay had to leave its host alone, for its logins had failed too often. */
  readonly rests: number;
  /** How often the soak itself stood still for a second or more: a fault of its own, done to all. */
  readonly stalls: number;
  readonly sizes: readonly Sizes[];
  readonly complaints: readonly string[];
}

const streamCount = 100;
/** A phase of faults ends with a calm one, in which sizes are taken. ms */
const phase = 40_000;
/** Nothing may move for longer: hold, detection, a new link, and the longest fault. ms */
const patience = 75_000;
/** How long after a fault its resets may come: until it is noticed, and what was held meanwhile is given up. ms */
const echo = 35_000;
/** How often the soak looks whether it stood still, and from when on that counts, ms. */
const tick = 200;
const standstill = 1_000;
/** So long everything may take to heal, ms; and where a host had to be left alone, for ten minutes. */
const healing = 60_000;
const spent = 660_000;

/** Runs relays, streams and faults for so long; `say` gets a line for each fault. The same seed does the same things. */
export async function soak(t: Owner, minutes: number, seed: number, say: (line: string) => void): Promise<Report> {
  const world = await startWorld(t, seed);
  const began = performance.now();
  const clock = () => `${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s`;
  const streams = { whole: 0, cut: 0, truncated: 0, wrong: 0, hung: 0 };
  const complaints: string[] = [];
  const sizes: Sizes[] = [];
  let [bytes, unexplained, faults, rests, stalls, dead] = [0, 0, 0, 0, 0, false];
  const resting = new Set<string>();
  /** When each host, and each relay, was last under a fault. */
  const troubled = new Map<string, number>();
  const complain = (text: string) => {
    complaints.push(`${clock()} ${text}`);
    say(`${clock()}  !! ${text}`);
  };
  // Roads and targets live in this process: where it stands still, so does every link.
  let looked = performance.now();
  const stood = setInterval(() => {
    const late = performance.now() - looked - tick;
    looked = performance.now();
    if (late < standstill) return;
    stalls += 1;
    troubled.set('all', Math.max(looked, troubled.get('all') ?? 0));
    say(`${clock()}  the machine was too busy for this soak for ${(late / 1_000).toFixed(1)} s`);
  }, tick);
  t.teardown(() => clearInterval(stood));
  world.cli.ended.then(
    ({ code, stderr }) => {
      if (!dead) complain(`the daemon ended with ${code}: ${stderr.slice(-500)}`);
    },
    (error: unknown) => complain(String(error)),
  );

  const walk = async (number: number, until: () => boolean, round: number) => {
    const random = seeded(seed * 1_000 + number * 7 + round);
    for (let n = 0; n < 8; n += 1) random();
    while (!until()) {
      const relay = world.relays[Math.floor(random() * world.relays.length)];
      if (relay === undefined) return;
      const size = Math.ceil(2 ** (10 + random() * 11));
      const start = performance.now();
      const outcome = await runStream(relay, {
        size,
        seed: Math.floor(random() * 2 ** 31),
        pace: 20 + random() * 180,
        target: world.target,
        patience,
      });
      const last = Math.max(
        troubled.get(`h${relay.host}`) ?? -echo,
        troubled.get(relay.name) ?? -echo,
        troubled.get('all') ?? -echo,
      );
      const explained = last + echo > start;
      // A client on the other side is ended by the host's own sshd, which cannot say how.
      const kind = relay.kind === 'remote' && outcome.how === 'truncated' && explained ? 'cut' : outcome.how;
      streams[kind] += 1;
      if (kind === 'whole') bytes += size;
      if (kind === 'cut' && !explained) {
        unexplained += 1;
        complain(`a stream of ${relay.name} was cut without a fault: ${JSON.stringify(outcome)}`);
      }
      if (kind !== 'whole' && kind !== 'cut') complain(`a stream of ${relay.name}: ${JSON.stringify(outcome)}`);
      if (kind === 'cut') await sleep(200);
    }
  };

  const carryOut = async (planned: Planned) => {
    const whom = planned.deed === 'sleep' ? 'all' : isOfRelay(planned.deed) ? `r${planned.relay}` : `h${planned.host}`;
    // One worker may carry several relays.
    const marked = planned.deed.endsWith('-worker') ? sharers(world, planned.relay) : [whom];
    say(`${clock()}  ${formatPlanned(planned)}`);
    faults += 1;
    const mark = (at: number) => {
      if (planned.deed === 'reload' || planned.deed === 'sshd-reload' || planned.deed === 'crowd') return;
      for (const one of marked) troubled.set(one, at);
    };
    mark(Number.POSITIVE_INFINITY);
    await perform(world, planned).catch((error: unknown) => complain(`${formatPlanned(planned)}: ${String(error)}`));
    mark(performance.now());
  };

  const rounds = Math.max(1, Math.round((minutes * 60_000) / (phase + 20_000)));
  for (let round = 0; round <= rounds; round += 1) {
    // The first round is calm: it shows what all this costs before the first fault.
    const plan = round === 0 ? [] : makePlan(seed * 100 + round, phase, world.hosts.length, relayCount);
    const end = performance.now() + (round === 0 ? 10_000 : phase);
    const walkers = Array.from({ length: streamCount }, (_, number) =>
      walk(number, () => performance.now() > end, round),
    );
    const deeds = plan.map(async (planned) => {
      await sleep(planned.at);
      await carryOut(planned);
    });
    await Promise.all([...deeds, ...walkers]);
    for (const { road } of world.hosts) road.clear();
    const left = await recover(world, complain, round === rounds ? spent : healing);
    for (const name of left) {
      if (!resting.has(name)) rests += 1;
      troubled.set(name, Number.POSITIVE_INFINITY);
    }
    for (const name of resting) if (!left.includes(name)) troubled.set(name, performance.now());
    resting.clear();
    for (const name of left) resting.add(name);
    sizes.push(world.sizes());
    const { rss, descriptors, processes } = sizes.at(-1) ?? world.sizes();
    say(
      `${clock()}  calm: ${Math.round(rss / 2 ** 20)} MiB, ${descriptors} descriptors, ${processes} processes, ${JSON.stringify(streams)}`,
    );
  }
  judgeSizes(sizes, complain);
  for (const code of world.endings()) {
    if (code !== 'WORKER_FAILED' && code !== 'WORKER_HUNG') complain(`a worker ended with ${code}`);
  }
  dead = true;
  const { code } = await world.cli.stop();
  if (code !== 0) complain(`the daemon ended with ${code}`);
  return { seed, streams, unexplained, bytes, faults, rests, stalls, sizes, complaints };
}

/**
 * Everything heals: each relay must be connected again, and nobody left in it. But for those that leave their host alone, as they must, because
 * faults broke off too many logins there: their names come back.
 */
async function recover(world: World, complain: (text: string) => void, limit: number): Promise<readonly string[]> {
  const began = performance.now();
  const rests = ({ standing, lanes }: RelayStatus) =>
    limit !== spent &&
    standing.word !== 'connected' &&
    lanes.some(({ state }) => 'fault' in state && state.fault.code === 'LOGINS_SPENT');
  const whole = (all: readonly RelayStatus[]) => allConnected(all.filter((one) => !rests(one)));
  await waitUntil('every relay is connected', () => world.status().then(whole, () => false), {
    timeout: limit,
    every: 250,
  }).catch(async () => {
    for (const relay of await world.status()) {
      const { name, standing } = relay;
      if (standing.word === 'connected' || rests(relay)) continue;
      const after = Math.round(performance.now() - began);
      complain(`${name} is ${standing.word} after ${after} ms of peace: ${standing.reason}`);
    }
  });
  const open = async () => (await world.status()).reduce((sum, { counters }) => sum + counters.open + counters.held, 0);
  await waitUntil('no connection is left', async () => (await open()) === 0, { timeout: 20_000, every: 250 }).catch(
    async () => complain(`${await open()} connections are open though every client has gone`),
  );
  return (await world.status()).filter(rests).map(({ name }) => name);
}

/** The relays that one worker carries with this one: the shared ones are together. */
function sharers(world: World, relay: number): string[] {
  return relay % 3 === 0 ? world.relays.flatMap(({ name }, index) => (index % 3 === 0 ? [name] : [])) : [`r${relay}`];
}

/** Node and V8 take what they keep in the first minutes: the second half of a run is held against its own beginning. */
function judgeSizes(sizes: readonly Sizes[], complain: (text: string) => void): void {
  const first = sizes[Math.floor(sizes.length / 2)];
  const last = sizes.at(-1);
  if (first === undefined || last === undefined) return;
  if (last.descriptors > first.descriptors + 4) {
    complain(`descriptors grew from ${first.descriptors} to ${last.descriptors}`);
  }
  if (last.processes > first.processes) complain(`processes grew from ${first.processes} to ${last.processes}`);
  if (last.rss > first.rss * 1.15 + 32 * 2 ** 20) complain(`memory grew from ${first.rss} to ${last.rss} bytes`);
}
