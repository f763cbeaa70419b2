import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { noNamespaces } from '../../test/fixtures/namespace.ts';
import type { Owner } from '../../test/fixtures/temp.ts';
import { describeMachine, missingTools } from '../machine.ts';
import { linkRows, longRows } from './link-rows.ts';
import { localRows, policyRows } from './other-rows.ts';
import { drawProofs, measureProofs } from './proofs.ts';
import type { FaultRow, Meeting, Trial } from './row.ts';
import { rivalNames, startFaultScene } from './scene.ts';
import { drawTable, type Met, type Seen, worseThan } from './table.ts';
import { keepOpen, sendNewcomers } from './witness.ts';

/** So long after a fault somebody must be back, ms: autossh may wait for a minute. */
const patience = 90_000;
/** What has lived so long counts as up, with everybody. ms */
const settled = 2_500;
const root = resolve(import.meta.dirname, '..', '..', '..');

/** Meets all rivals with one fault, at the same time. */
async function meet(row: Meeting): Promise<Seen> {
  return staged(async (t) => {
    const scene = await startFaultScene(t, row.config ?? []);
    const open = await Promise.all(scene.rivals.map(({ port }) => keepOpen(port)));
    await sleep(settled);
    const notices = await Promise.all(scene.rivals.map((rival) => rival.notice()));
    const since = performance.now();
    const healed = row.make(scene).then(() => performance.now());
    const newcomers = await Promise.all(scene.rivals.map(({ port }) => sendNewcomers(port, healed, patience)));
    const seen: Seen = {};
    for (const [index, { name }] of scene.rivals.entries()) {
      const [notice, fate, came] = [notices[index], open[index]?.fate(since), newcomers[index]];
      if (notice === undefined || fate === undefined || came === undefined) continue;
      const at = notice.at();
      const met: Met = { noticed: at === null ? null : at - since, open: fate, newcomers: came };
      Object.assign(seen, { [name]: met });
      notice.stop();
      open[index]?.close();
    }
    return seen;
  });
}

/** Each rival meets the fault by itself, on a scene of its own. */
async function tryEach(row: Trial): Promise<Seen> {
  const seen: Seen = {};
  for (const name of rivalNames) {
    const verdict = await staged(async (t) => {
      const scene = await startFaultScene(t, row.config ?? []);
      await sleep(settled);
      const rival = scene.rivals.find((one) => one.name === name);
      return rival === undefined ? undefined : row.try(scene, rival);
    });
    Object.assign(seen, { [name]: verdict });
  }
  return seen;
}

async function staged<T>(play: (t: Owner) => Promise<T>): Promise<T> {
  const cleanups: (() => unknown)[] = [];
  try {
    return await play({ teardown: (clean) => cleanups.push(clean) });
  } finally {
    for (const clean of cleanups.reverse()) await clean();
  }
}

/** What firewalls do here must happen nowhere else. */
function enterOwnNetwork(): void {
  if (process.env['TOWLINE_BENCH_NETWORK'] === 'own') return;
  if (noNamespaces !== false) {
    process.stderr.write(`faults are made in a network of their own, which ${noNamespaces}\n`);
    process.exit(69);
  }
  const again = [
    '--net',
    'sh',
    '-c',
    'ip link set lo up && exec "$@"',
    'sh',
    process.execPath,
    ...process.argv.slice(1),
  ];
  const env = { ...process.env, TOWLINE_BENCH_NETWORK: 'own' };
  process.exit(spawnSync('unshare', again, { stdio: 'inherit', env }).status ?? 1);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    out: { type: 'string' },
    long: { type: 'boolean' },
    proofs: { type: 'boolean' },
  },
});
const wanted: readonly FaultRow[] = [
  ...linkRows,
  ...policyRows,
  ...localRows,
  ...(values.long === true ? longRows : []),
].filter(({ id }) => values.only === undefined || values.only.split(',').includes(id));
const missing = missingTools();
if (missing !== null) {
  process.stderr.write(`${missing}\n`);
  process.exit(69);
}
enterOwnNetwork();
const began = loadavg()[0] ?? 0;
const results: { row: FaultRow; seen: Seen }[] = [];
for (const row of wanted) {
  process.stderr.write(`${row.id}: ${row.title}\n`);
  const seen = 'make' in row ? await meet(row) : await tryEach(row);
  results.push({ row, seen });
  process.stderr.write(`${JSON.stringify(seen)}\n`);
}
const text = drawTable(results, [
  ...(await describeMachine(root)),
  `- load average when it began: ${began.toFixed(2)}`,
]);
const say = (line: string) => void process.stderr.write(`${line}\n`);
const more = values.proofs === true ? `\n${drawProofs(await measureProofs(join(root, 'dist/test/faults'), say))}` : '';
if (values.out !== undefined) writeFileSync(values.out, text + more);
process.stdout.write(text + more);
const worse = results.flatMap(({ row, seen }) => worseThan(row, seen));
for (const line of worse) process.stderr.write(`worse than autossh: ${line}\n`);
// What was measured is written down: nothing that a scene has left is waited for.
process.exit(worse.length === 0 ? 0 : 1);
