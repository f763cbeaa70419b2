import { type FaultRow, type Shortfall, show, type Verdict } from './row.ts';
import { type RivalName, rivalNames } from './scene.ts';
import type { Met, Seen } from './seen.ts';

/** One thing in which towline was worse, with both figures. */
export interface Worse {
  readonly what: Shortfall;
  readonly text: string;
}

/** A new client comes each quarter of a second: two of three are answered in the same tick of that clock. ms */
const tick = 300;
/** A time that is within a quarter and so much more, ms, is the same time. */
const same = { share: 1.25, ms: 5 };
/** Memory that is within a tenth is the same. */
const sameMemory = 1.1;

/** In what towline is worse than a rival under this fault; where a figure is missing nothing is said. Pure. */
export function worseThan(seen: Seen): readonly Worse[] {
  const { towline: ours } = seen;
  if (ours === undefined) return [];
  const found: Worse[] = [];
  if (!('text' in ours) && ours.open.how === 'end') {
    found.push({ what: 'whole', text: 'the open connection ended as if it were whole' });
  }
  for (const name of rivalNames) {
    const theirs = seen[name];
    if (name === 'towline' || theirs === undefined) continue;
    if ('text' in ours) {
      if ('text' in theirs) found.push(...ofVerdicts(ours, theirs, name));
    } else if (!('text' in theirs)) found.push(...ofMeetings(ours, theirs, name));
  }
  return found;
}

/** Whether each thing that is worse has its cause in the row. */
export const explained = (row: FaultRow, worse: readonly Worse[]): boolean =>
  worse.every(({ what }) => row.why?.[what] !== undefined);

function* ofVerdicts(ours: Verdict, theirs: Verdict, name: RivalName): Generator<Worse> {
  const text = `${ours.text} (${name}: ${theirs.text})`;
  if (ours.bad > theirs.bad) yield { what: 'failed', text };
  else if (ours.bad === theirs.bad && later(ours.took, theirs.took)) yield { what: 'took', text };
  // Whoever serves more clients may hold more, and log in more often: that it is worse is said all the same.
  if (more(ours.memory, theirs.memory, sameMemory)) yield { what: 'memory', text };
  if (more(ours.logins, theirs.logins, 1)) yield { what: 'logins', text };
}

const later = (ours: number | null, theirs: number | null): boolean =>
  ours !== null && theirs !== null && ours > theirs * same.share + same.ms;

const more = (ours: number | undefined, theirs: number | undefined, share: number): boolean =>
  ours !== undefined && theirs !== undefined && ours > theirs * share;

function* ofMeetings(ours: Met, theirs: Met, name: RivalName): Generator<Worse> {
  const [mine, there] = [ours.newcomers, theirs.newcomers];
  if (mine.failed > there.failed) {
    const text = `${mine.failed} of ${mine.tried} failed (${name}: ${there.failed} of ${there.tried})`;
    yield { what: 'failed', text };
  }
  if ((mine.back ?? Number.POSITIVE_INFINITY) > (there.back ?? Number.POSITIVE_INFINITY) + tick) {
    yield { what: 'back', text: `${shownBack(mine.back)} (${name}: ${shownBack(there.back)})` };
  }
  if (lost(ours) > lost(theirs)) {
    const text = `the open connection was lost${shownLost(ours)} (${name}: ${lost(theirs) === 0 ? 'it lives' : `lost${shownLost(theirs)}`})`;
    yield { what: 'open', text };
  }
}

const lost = ({ open, rounds }: Met): number => rounds?.lost ?? (open.how === 'lives' ? 0 : 1);

const shownLost = ({ rounds }: Met): string => (rounds === undefined ? '' : ` in ${rounds.lost} of ${rounds.count}`);

export const shownBack = (back: number | null): string => (back === null ? 'never back' : `back after ${show(back)}`);
