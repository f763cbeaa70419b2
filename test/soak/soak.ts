import { setTimeout as sleep } from 'node:timers/promises';
import type { RelayStatus } from '../../src/core/model/status.ts';
import { seeded } from '../fixtures/seeded.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { perform } from './deeds.ts';
import { Blame } from './blame.ts';
import { formatPlanned, makePlan, type Planned } from './plan.ts';
import { type Outcome, runStream } from './stream.ts';
import { judgeSizes, type Sizes, tellSlopes } from './sizes.ts';
import { allConnected, relayCount, startWorld, type World } from './world.ts';

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
/** How often the soak looks whether it stood still, and from when on that counts, ms. */
const tick = 200;
const standstill = 1_000;
/** So long everything may take to heal, ms; and where a host had to be left alone, for ten minutes; and who is served then to leave. */
const healing = 60_000;
const spent = 660_000;
const leaving = 20_000;
/** Relays that may leave their hosts alone at once: two hosts' worth. */
const mostResting = relayCount / 2;
/** The calm before the first fault, ms. */
const calm = 10_000;
/** A phase of faults, and healing. */
const roundsOf = (minutes: number): number => Math.max(1, Math.round((minutes * 60_000) / (phase + 20_000)));

/** So long a soak takes at most, ms, if every wait in it is in vain: whoever gives it less time is not told the reason. */
export function longest(minutes: number): number {
  const starting = 60_000;
  const each = patience + healing + leaving;
  return 2 * starting + calm + each + roundsOf(minutes) * (phase + each) + spent;
}

/** Runs relays, streams and faults for so long; `say` gets a line for each fault. The same seed does the same things. */
export async function soak(t: Owner, minutes: number, seed: number, say: (line: string) => void): Promise<Report> {
  const world = await startWorld(t, seed);
  const began = performance.now();
  const clock = () => `${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s`;
  const streams = { whole: 0, cut: 0, truncated: 0, wrong: 0, hung: 0 };
  const complaints: string[] = [];
  const sizes: Sizes[] = [];
  let [bytes, unexplained, faults, rests, stalls, dead] = [0, 0, 0, 0, 0, false];
  let resting = new Set<string>();
  const blame = new Blame(world.relays);
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
    blame.stalled(late);
    say(`${clock()}  the machine was too busy for this soak for ${(late / 1_000).toFixed(1)} s`);
  }, tick);
  t.teardown(() => clearInterval(stood));
  world
    .follow((event) => blame.hear(event))
    .then(
      () => dead || complain('the events ended'),
      (error: unknown) => dead || complain(`the events ended: ${String(error)}`),
    );
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
      const outcome = await runStream(relay, {
        size,
        seed: Math.floor(random() * 2 ** 31),
        pace: 40 + random() * 360,
        target: world.target,
        patience,
      });
      const ended = Date.now();
      // What the daemon tells of it comes a moment later.
      if (outcome.how !== 'whole') await sleep(500);
      const explained = blame.excuses(relay, ended);
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
    say(`${clock()}  ${formatPlanned(planned)}`);
    faults += 1;
    const undone = blame.begin(planned);
    const hit = await perform(world, planned).catch((error: unknown) => {
      complain(`${formatPlanned(planned)}: ${String(error)}`);
      return [];
    });
    undone(hit);
  };

  const rounds = roundsOf(minutes);
  for (let round = 0; round <= rounds; round += 1) {
    // The first round is calm: it shows what all this costs before the first fault.
    const plan = round === 0 ? [] : makePlan(seed * 100 + round, phase, world.hosts.length, relayCount);
    const end = performance.now() + (round === 0 ? calm : phase);
    const walkers = Array.from({ length: streamCount }, (_, number) =>
      walk(number, () => performance.now() > end, round),
    );
    const deeds = plan.map(async (planned) => {
      await sleep(planned.at);
      await carryOut(planned);
    });
    await Promise.all([...deeds, ...walkers]);
    for (const { road } of world.hosts) road.clear();
    const left = await recover(world, blame, complain, round === rounds);
    for (const { name, why } of left) {
      if (!resting.has(name)) rests += 1;
      say(`${clock()}  ${name} leaves its host alone: ${why}`);
    }
    resting = new Set(left.map(({ name }) => name));
    for (const text of blame.unexplained()) complain(text);
    sizes.push(world.sizes());
    const { rss, descriptors, own, processes } = sizes.at(-1) ?? world.sizes();
    say(
      `${clock()}  calm: ${Math.round(rss / 2 ** 20)} MiB, ${descriptors} descriptors (${own} of the daemon), ${processes} processes, ${JSON.stringify(streams)}`,
    );
  }
  for (const line of tellSlopes(sizes)) say(`${clock()}  ${line}`);
  for (const text of judgeSizes(sizes)) complain(text);
  dead = true;
  const { code } = await world.cli.stop();
  if (code !== 0) complain(`the daemon ended with ${code}`);
  return { seed, streams, unexplained, bytes, faults, rests, stalls, sizes, complaints };
}

interface Resting {
  readonly name: string;
  readonly why: string;
}

/**
 * Everything heals: each relay must be connected again, and nobody left in it. But for those that leave their host alone, as they must, because
 * faults broke off too many logins there: these come back. In the end they are waited for too.
 */
async function recover(
  world: World,
  blame: Blame,
  complain: (text: string) => void,
  last: boolean,
): Promise<readonly Resting[]> {
  const began = performance.now();
  const unrested = async () => (await world.status()).filter((one) => whyRests(one) === null);
  const connected = (what: string, whom: () => Promise<readonly RelayStatus[]>, timeout: number) =>
    waitUntil(what, () => whom().then(allConnected, () => false), { timeout, every: 250 }).catch(async () => {
      for (const { name, standing } of await whom()) {
        if (standing.word === 'connected') continue;
        const after = Math.round(performance.now() - began);
        complain(`${name} is ${standing.word} after ${after} ms of peace: ${standing.reason}`);
      }
    });
  await connected('every relay that does not rest is connected', unrested, healing);
  const left = (await world.status()).flatMap((one) => {
    const why = whyRests(one);
    return why === null ? [] : [{ name: one.name, why }];
  });
  for (const { name } of left) {
    if (!blame.hostTroubled(name, spent)) complain(`${name} leaves its host alone though nothing was done to that`);
  }
  if (left.length > mostResting) complain(`${left.length} relays leave their hosts alone, of ${relayCount}`);
  if (last && left.length > 0) await connected('every relay is connected', () => world.status(), spent);
  const open = async () => (await world.status()).reduce((sum, { counters }) => sum + counters.open + counters.held, 0);
  await waitUntil('no connection is left', async () => (await open()) === 0, { timeout: leaving, every: 250 }).catch(
    async () => complain(`${await open()} connections are open though every client has gone`),
  );
  return left;
}

/** Why a relay leaves its host alone: too many logins failed there; null: it does not. */
function whyRests({ standing, lanes }: RelayStatus): string | null {
  if (standing.word === 'connected') return null;
  for (const { state } of lanes) {
    if ('fault' in state && state.fault.code === 'LOGINS_SPENT') return state.fault.message;
  }
  return null;
}
