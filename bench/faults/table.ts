import type { FaultRow, Verdict } from './row.ts';
import { show } from './row.ts';
import { type RivalName, rivalNames } from './scene.ts';
import type { Newcomers, OpenFate } from './witness.ts';

/** What was seen of one rival when all met the fault together. */
export interface Met {
  /** ms from the fault until it knew; null: it did not while we looked. */
  readonly noticed: number | null;
  readonly open: OpenFate;
  readonly newcomers: Newcomers;
}

/** What was seen of each rival under one fault. */
export type Seen = Partial<Readonly<Record<RivalName, Met | Verdict>>>;

/** Draws the results as Markdown. Pure. */
export function drawTable(
  results: readonly { readonly row: FaultRow; readonly seen: Seen }[],
  facts: readonly string[],
): string {
  const lines = results.map(({ row, seen }) => {
    const cells = rivalNames.map((name) => cell(seen[name]));
    return `| ${row.id} | ${row.title} | ${row.sees} | ${cells.join(' | ')} |`;
  });
  return `# Faults, measured

Written by \`npm run bench:faults\`: each fault meets towline, \`ssh -N -L\` in a loop, and autossh (\`-M 0\`, keepalive 5 s x 3) in the same run, on
one sshd, over a road each. The numbers are those of the fault tests in \`test/faults\`, which try more than can be compared.

Where all meet a fault together, one connection of each is open and busy when it comes, and from then on a new client comes each 0.25 s with 30 s
of patience. A cell says how long after the fault somebody *noticed* it (towline: its first event; ssh: its end), what became of the *open*
connection and how long after the fault (a *reset* tells its client, an *end* looks like success), how many of the new clients *failed*, and how
long after the *end* of the fault the first one who came after it was answered (*back*). Other cells say what they count.

${facts.join('\n')}

| | fault | who uses towline sees | ${rivalNames.join(' | ')} |
|---|---|---|${rivalNames.map(() => '---').join('|')}|
${lines.join('\n')}
`;
}

function cell(seen: Met | Verdict | undefined): string {
  if (seen === undefined) return 'not run';
  if ('text' in seen) return seen.text;
  const { how, after } = seen.open;
  const { tried, failed, back } = seen.newcomers;
  return [
    seen.noticed === null ? 'noticed nothing' : `noticed after ${show(seen.noticed)}`,
    after === null ? 'open lives' : `open: ${how} after ${show(after)}`,
    `${failed} of ${tried} failed`,
    back === null ? 'never back' : `back after ${show(back)}`,
  ].join('; ');
}

/** Two of three are answered in the same tick of the clock. ms */
const tick = 300;

/** What is worse than with autossh, in words: more failures, later back, an open connection lost that lives there, or ended as if it were whole. */
export function worseThan(row: FaultRow, seen: Seen): readonly string[] {
  const { towline: ours, autossh: theirs } = seen;
  if (ours === undefined || theirs === undefined) return [`${row.id}: not run`];
  const found: string[] = [];
  const more = (what: string, mine: number | null, there: number | null, allowed: number) => {
    const [a, b] = [mine ?? Number.POSITIVE_INFINITY, there ?? Number.POSITIVE_INFINITY];
    if (a > b + allowed) found.push(`${row.id}: ${what} ${a}, ${b} there`);
  };
  if ('text' in ours || 'text' in theirs) {
    if (!('text' in ours) || !('text' in theirs)) return [`${row.id}: not run`];
    more('failed', ours.bad, theirs.bad, 0);
    if (ours.bad === theirs.bad) more('took', ours.took ?? 0, theirs.took ?? 0, tick);
    return found;
  }
  more('failed', ours.newcomers.failed, theirs.newcomers.failed, 0);
  more('back after', ours.newcomers.back, theirs.newcomers.back, tick);
  if (theirs.open.how === 'lives' && ours.open.how !== 'lives') found.push(`${row.id}: the open connection was lost`);
  if (ours.open.how === 'end') found.push(`${row.id}: an open connection ended as if it were whole`);
  return found;
}
