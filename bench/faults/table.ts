import type { FaultRow } from './list.ts';
import type { RivalName } from './scene.ts';
import type { Newcomers, OpenFate } from './witness.ts';

/** What was seen of each rival under one fault. */
export type Seen = readonly {
  readonly name: RivalName;
  readonly open: OpenFate | undefined;
  readonly newcomers: Newcomers | undefined;
}[];

const names: readonly RivalName[] = ['towline', 'ssh in a loop', 'autossh'];

/** Draws the results as Markdown. Pure. */
export function drawTable(
  results: readonly { readonly row: FaultRow; readonly seen: Seen }[],
  facts: readonly string[],
): string {
  const lines = results.map(({ row, seen }) => {
    const cells = names.map((name) => cell(seen.find((one) => one.name === name)));
    return `| ${row.id} | ${row.title} | ${row.sees} | ${cells.join(' | ')} |`;
  });
  return `# Faults, measured

Written by \`npm run bench:faults\`: each fault meets towline, \`ssh -N -L\` in a loop, and autossh (\`-M 0\`, keepalive 5 s x 3) at the same time, on one sshd
behind one road. One connection of each is open and busy when the fault comes: when it was ended, and how (a reset tells its client; an end looks like
success). From then on a new client comes each 0.25 s with 30 s of patience: how many failed, and how long after the end of the fault the first
one who came after it was answered.

${facts.join('\n')}

| | fault | who uses towline sees | towline | ssh in a loop | autossh |
|---|---|---|---|---|---|
${lines.join('\n')}
`;
}

function cell(seen: Seen[number] | undefined): string {
  if (seen?.open === undefined || seen.newcomers === undefined) return 'not run';
  const { how, after } = seen.open;
  const { tried, failed, back } = seen.newcomers;
  const fate = after === null ? 'open lives' : `${how} after ${time(after)}`;
  return `${fate}; ${failed} of ${tried} failed; ${back === null ? 'never back' : `back after ${time(back)}`}`;
}

const time = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** What is worse than with autossh, in words: more failures, later back, an open connection lost that lives there, or ended as if it were whole. */
export function worseThan(row: FaultRow, seen: Seen): readonly string[] {
  const ours = seen.find(({ name }) => name === 'towline');
  const theirs = seen.find(({ name }) => name === 'autossh');
  if (ours?.newcomers === undefined || theirs?.newcomers === undefined) return [`${row.id}: not run`];
  const found: string[] = [];
  if (ours.newcomers.failed > theirs.newcomers.failed)
    found.push(`${row.id}: ${ours.newcomers.failed} failed, ${theirs.newcomers.failed} there`);
  const [back, there] = [
    ours.newcomers.back ?? Number.POSITIVE_INFINITY,
    theirs.newcomers.back ?? Number.POSITIVE_INFINITY,
  ];
  // Two of three are answered in the same tick of the clock.
  if (back > there + 300) found.push(`${row.id}: back after ${back} ms, ${there} there`);
  if (theirs.open?.how === 'lives' && ours.open?.how !== 'lives') found.push(`${row.id}: the open connection was lost`);
  if (ours.open?.how === 'end') found.push(`${row.id}: an open connection ended as if it were whole`);
  return found;
}
