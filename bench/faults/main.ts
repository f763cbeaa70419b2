import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeMachine, missingTools } from '../machine.ts';
import { type FaultRow, longRows, rows } from './list.ts';
import { startFaultScene } from './scene.ts';
import { drawTable, type Seen, worseThan } from './table.ts';
import { keepOpen, sendNewcomers } from './witness.ts';

/** So long after a fault somebody must be back, ms: autossh may wait for a minute. */
const patience = 90_000;
/** What has lived so long counts as up, with everybody. ms */
const settled = 2_500;
const root = resolve(import.meta.dirname, '..', '..', '..');

/** Meets all rivals with one fault, at the same time, on one sshd and one road. */
async function meet(row: FaultRow): Promise<Seen> {
  const cleanups: (() => unknown)[] = [];
  try {
    const scene = await startFaultScene({ teardown: (clean) => cleanups.push(clean) }, row.config ?? []);
    const open = await Promise.all(scene.rivals.map(({ port }) => keepOpen(port)));
    await sleep(settled);
    const since = performance.now();
    const healed = row.make(scene).then(() => performance.now());
    const newcomers = await Promise.all(scene.rivals.map(({ port }) => sendNewcomers(port, healed, patience)));
    const fates = open.map((one) => one.fate(since));
    for (const one of open) one.close();
    return scene.rivals.map(({ name }, index) => ({ name, open: fates[index], newcomers: newcomers[index] }));
  } finally {
    for (const clean of cleanups.reverse()) await clean();
  }
}

const { values } = parseArgs({
  options: { only: { type: 'string' }, out: { type: 'string' }, long: { type: 'boolean' } },
});
const wanted = [...rows, ...(values.long === true ? longRows : [])].filter(
  ({ id }) => values.only === undefined || values.only.split(',').includes(id),
);
const missing = missingTools();
if (missing !== null) {
  process.stderr.write(`${missing}\n`);
  process.exit(69);
}
const began = loadavg()[0] ?? 0;
const results: { row: FaultRow; seen: Seen }[] = [];
for (const row of wanted) {
  process.stderr.write(`${row.id}: ${row.title}\n`);
  const seen = await meet(row);
  results.push({ row, seen });
  process.stderr.write(`${JSON.stringify(seen)}\n`);
}
const text = drawTable(results, [
  ...(await describeMachine(root)),
  `- load average when it began: ${began.toFixed(2)}`,
]);
if (values.out !== undefined) writeFileSync(values.out, text);
process.stdout.write(text);
const worse = results.flatMap(({ row, seen }) => worseThan(row, seen));
for (const line of worse) process.stderr.write(`worse than autossh: ${line}\n`);
process.exitCode = worse.length === 0 ? 0 : 1;
