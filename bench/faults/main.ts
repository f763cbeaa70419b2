// `npm run bench:faults -- [--only PATTERN,..] [--long] [--proofs] [--out PAGE] [--draw]`: meets towline and its rivals with faults. With --out
// what was measured takes the place of what the page, and the figures beside it, said of the same rows; --draw measures nothing. With --proofs
// the fault tests are run for their figures, and rows only where --only names some. --long adds what takes ten minutes. Ends with 1 where
// towline is worse and the cause is not known.
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, missingTools } from '../machine.ts';
import { explained, worseThan } from './compare.ts';
import { enterOwnNetwork } from './own-network.ts';
import { drawPage } from './page.ts';
import { play } from './play.ts';
import { measureProofs } from './proofs.ts';
import { type Measured, merge, noResults, type Results, readResults, resultsFile, writeResults } from './results.ts';
import { allRows, chooseRows } from './rows.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const say = (line: string) => void process.stderr.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    out: { type: 'string' },
    long: { type: 'boolean', default: false },
    proofs: { type: 'boolean', default: false },
    draw: { type: 'boolean', default: false },
  },
});
const rowless = values.draw || (values.proofs && values.only === undefined);
const wanted = rowless ? [] : chooseRows(values.only, values.long);
if (!rowless && wanted.length === 0) {
  say(`no row is named as ${values.only}; there are ${allRows.map(({ id }) => id).join(', ')}`);
  process.exit(64);
}
const missing = values.draw ? null : missingTools();
if (missing !== null) {
  say(missing);
  process.exit(69);
}
if (!values.draw) enterOwnNetwork();

let results = values.out === undefined ? noResults : readResults(resultsFile(values.out));
/** Written after each row: a run that is broken off has measured what it has measured. */
const keep = (now: Results) => {
  results = now;
  if (values.out === undefined) return;
  writeResults(resultsFile(values.out), results);
  writeFileSync(values.out, drawPage(allRows, results));
};
const circumstances = async () => {
  const [machine = '', programs = '', dated = ''] = await describeMachine(root);
  const [, date = '', commit = ''] = /date: (.*), commit: (.*)$/.exec(dated) ?? [];
  const bare = (line: string) => line.replace(/^- (?:machine: )?/, '');
  return { date, commit, machine: bare(machine), programs: bare(programs) };
};

const measured: Measured[] = [];
const failed: string[] = [];
for (const row of wanted) {
  say(`${row.id}: ${row.title}`);
  const load = loadavg()[0] ?? 0;
  try {
    const one = { id: row.id, ...(await circumstances()), load, seen: await play(row) };
    measured.push(one);
    keep(merge(results, [one]));
    say(JSON.stringify(one.seen));
  } catch (error) {
    // The other rows are worth as much without it.
    failed.push(row.id);
    say(String(error));
  }
}
if (values.proofs) {
  const { date, commit } = await circumstances();
  const figures = Object.fromEntries(await measureProofs(join(root, 'dist/test/faults'), say));
  keep(merge(results, [], { date, commit, figures }));
}
if (values.draw) keep(results);
process.stdout.write(drawPage(allRows, results));
const unexplained = wanted.flatMap((row) => {
  const worse = worseThan(measured.find(({ id }) => id === row.id)?.seen ?? {});
  for (const { text } of worse) say(`worse: ${row.id}: ${text}`);
  return explained(row, worse) ? [] : [row.id];
});
if (unexplained.length > 0) say(`worse, and the cause is not known: ${unexplained.join(', ')}`);
if (failed.length > 0) say(`not measured, for the scene failed: ${failed.join(', ')}`);
// What was measured is written down: nothing that a scene has left is waited for.
process.exit(unexplained.length + failed.length === 0 ? 0 : 1);
