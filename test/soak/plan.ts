import { seeded } from '../fixtures/seeded.ts';

/** What the soak does to the world, by name. */
export type Deed =
  | 'kill-sessions'
  | 'end-sessions'
  | 'freeze-sessions'
  | 'sshd-away'
  | 'sshd-reload'
  | 'slow-road'
  | 'narrow-road'
  | 'sliced-road'
  | 'black-hole'
  | 'reset-road'
  | 'cut-road'
  | 'flip-bits'
  | 'limit-road'
  | 'road-away'
  | 'kill-worker'
  | 'freeze-worker'
  | 'sleep'
  | 'restart-relay'
  | 'reload'
  | 'crowd';

/** One fault of a plan: the same seed gives the same ones, at the same times. */
export interface Planned {
  readonly deed: Deed;
  /** ms since the plan began. */
  readonly at: number;
  /** How long it lasts, ms; 0 for one that is over at once. */
  readonly lasts: number;
  /** Index of the host, or of the relay, that it is done to. */
  readonly host: number;
  readonly relay: number;
  /** A number in [0, 1) for whatever else there is to choose. */
  readonly chance: number;
}

/** How often each deed comes, and how long it lasts, ms. */
const deeds: Readonly<Record<Deed, { readonly weight: number; readonly lasts: readonly [number, number] }>> = {
  'kill-sessions': { weight: 4, lasts: [0, 0] },
  'end-sessions': { weight: 2, lasts: [0, 0] },
  'freeze-sessions': { weight: 3, lasts: [1_000, 12_000] },
  'sshd-away': { weight: 3, lasts: [1_000, 10_000] },
  'sshd-reload': { weight: 1, lasts: [0, 0] },
  'slow-road': { weight: 3, lasts: [3_000, 12_000] },
  'narrow-road': { weight: 3, lasts: [3_000, 12_000] },
  'sliced-road': { weight: 2, lasts: [3_000, 10_000] },
  'black-hole': { weight: 3, lasts: [2_000, 12_000] },
  'reset-road': { weight: 3, lasts: [0, 0] },
  'cut-road': { weight: 2, lasts: [0, 0] },
  'flip-bits': { weight: 2, lasts: [300, 300] },
  'limit-road': { weight: 2, lasts: [1_000, 3_000] },
  'road-away': { weight: 2, lasts: [1_000, 8_000] },
  'kill-worker': { weight: 3, lasts: [0, 0] },
  'freeze-worker': { weight: 2, lasts: [1_000, 7_000] },
  sleep: { weight: 1, lasts: [2_000, 8_000] },
  'restart-relay': { weight: 2, lasts: [0, 0] },
  reload: { weight: 1, lasts: [0, 0] },
  crowd: { weight: 2, lasts: [0, 0] },
};

/** A host is left alone for so long after a fault, ms: a second one in the same handshake would cost its budget. */
const rest = 4_000;

/** The faults of one phase of `length` ms, in their order. Pure. */
export function makePlan(seed: number, length: number, hosts: number, relays: number): readonly Planned[] {
  const random = seeded(seed);
  // The first numbers of near seeds are near.
  for (let n = 0; n < 8; n += 1) random();
  const free = Array.from({ length: hosts }, () => 0);
  const planned: Planned[] = [];
  for (let at = 500 + random() * 1_500; at < length; at += 700 + random() * 2_300) {
    const { deed, lasts } = pick(random());
    const host = Math.floor(random() * hosts);
    const relay = Math.floor(random() * relays);
    const time = Math.round(lasts[0] + random() * (lasts[1] - lasts[0]));
    const chance = random();
    const whom =
      deed === 'sleep' || deed === 'reload'
        ? free.map((_, index) => index)
        : isOfRelay(deed)
          ? [relay % hosts]
          : [host];
    if (whom.some((one) => (free[one] ?? 0) > at) || at + time > length) continue;
    for (const one of whom) free[one] = at + time + rest;
    planned.push({ deed, at: Math.round(at), lasts: time, host, relay, chance });
  }
  return planned;
}

/** Each deed as often as its weight says. */
const urn = (Object.keys(deeds) as Deed[]).flatMap((deed) => Array.from({ length: deeds[deed].weight }, () => deed));

function pick(chance: number): { readonly deed: Deed; readonly lasts: readonly [number, number] } {
  const deed = urn[Math.floor(chance * urn.length)] ?? 'kill-sessions';
  return { deed, lasts: deeds[deed].lasts };
}

/** Whether a deed is done to one relay; relay n is on host n modulo their number. */
export function isOfRelay(deed: Deed): boolean {
  return deed === 'kill-worker' || deed === 'freeze-worker' || deed === 'restart-relay' || deed === 'crowd';
}

/** Writes a fault as the log of a soak has it. */
export function formatPlanned({ deed, lasts, host, relay }: Planned): string {
  const whom = deed === 'sleep' || deed === 'reload' ? '' : isOfRelay(deed) ? ` r${relay}` : ` h${host}`;
  return `${deed}${whom}${lasts === 0 ? '' : ` for ${(lasts / 1_000).toFixed(1)} s`}`;
}
