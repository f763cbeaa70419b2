// `node scripts/test.mjs [--only PATTERN] [--long]`: runs the compiled tests; the last line is `N passed, N failed`.
//
// Each file is a plain program that prints TAP, and tap-parser judges it. The tap command is not used: it injects its process tracer into
// every child, and starting a Node process then takes 730 ms instead of 130 (measured, Node 20): towline forks all the time.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureEngine } from './engine.mjs';
import { whyNoNamespaces } from './namespaces.mjs';
import { existingNode24 } from './node24.mjs';
import { runTestFile } from './test-file.mjs';
import { inLanes, inPool } from './test-lanes.mjs';

const ROOT = 'dist/test';
const NEEDS_ENGINE = /\/e2e\/|\/container\./;
// They use all of the machine, or time what they use of it.
const ALONE = /\.serial\.test\.js$/;
// They time what towline waits for, and use less than a quarter of a core for it.
const QUIET = /\.quiet\.test\.js$/;
// They wait for minutes: the others run meanwhile.
const LONGEST = /\/(faults|soak)\//;
// In the end, beside nobody else, those that measure time or take the whole machine.
const PHASES = [
  { has: (file) => ![ALONE, QUIET].some((other) => other.test(file)), run: (work) => inPool(work, POOL, runOne) },
  { has: (file) => QUIET.test(file), run: (work) => inLanes(work, 4, runOne) },
  { has: (file) => ALONE.test(file), run: (work) => inLanes(work, 1, runOne) },
];
const POOL = {
  few: 3,
  many: 5,
  idle: 0.3,
  look: 2_000,
  // What starts containers keeps the engine busy, which works for all of them.
  mayJoin: ({ file }, running) =>
    !NEEDS_ENGINE.test(file) || running.filter((one) => NEEDS_ENGINE.test(one.file)).length < 2,
};
// Node 24 may differ in its sockets, processes, threads, modules, HTTP and crypto: what meets these is run there again.
const MEETS_NODE = [
  /^dist\/test\/(client|control|demo|plugins|core\/(files|plugin|probe|process|secrets|socket|ssh|worker))\//,
  /^dist\/test\/[^/]+$/,
  /^dist\/test\/cli\/(detach|killed-daemon|open-files|up)\./,
  /^dist\/test\/core\/supervisor\/(cut|dynamic|forwarding|gone-worker|guests|health|http-health|plugin-\w+|proxied|remote|reload-lanes|routes|wrap-reads)\b/,
];
// What is injected, measured or read there meets the kernel, the server and the machine more than the engine of JavaScript, and takes minutes.
const ONCE = [
  NEEDS_ENGINE,
  ALONE,
  QUIET,
  /\.long\.test\.js$/,
  /\/plugins\/(launch|recipes)\//,
  /\/ssh\/(resolve|known-hosts)\//,
];

// The same scenes run in a container on this Node (e2e/plugin-faults), so that here they run on the other one.
const ON_NODE_24_ALONE = /\/core\/supervisor\/plugin-faults\./;

/** ms */
const LIMITS = [
  [/\.long\.test\.js$/, 1_800_000],
  // so long it may wait in vain (test/soak/soak.ts, `longest`) before it says for what
  [/\/soak\//, 1_500_000],
  // at a third of the usual speed the tests of doctor alone take more than three minutes
  [/./, 600_000],
];

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, long: { type: 'boolean', default: false } },
});
const only = new RegExp(options.only ?? '');

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((name) => join(ROOT, name))
  .filter((file) => file.endsWith('.test.js') && (options.long || !file.endsWith('.long.test.js')) && only.test(file))
  .sort();

const total = { passed: 0, failed: 0, skipped: 0 };

await tellLeftOut();
if (files.some((file) => NEEDS_ENGINE.test(file))) await prepareEngine();
const here = options.only === undefined ? files.filter((file) => !ON_NODE_24_ALONE.test(file)) : files;
await runAll([...work(here, process.execPath, process.version), ...(await workOnNode24())]);

if (total.skipped > 0) console.log(`${total.skipped} skipped`);
if (total.passed + total.failed === 0) {
  console.log(`no test was run in ${ROOT}${options.only === undefined ? '' : ` for --only ${options.only}`}`);
  process.exitCode = 1;
}
if (total.failed > 0) process.exitCode = 1;
console.log(`${total.passed} passed, ${total.failed} failed`);

/** What is to run on a Node, the longest first. */
function work(list, node, version) {
  if (list.length > 0) console.log(`${list.length} test files on Node ${version}`);
  const rank = (file) => (LONGEST.test(file) ? 0 : NEEDS_ENGINE.test(file) ? 1 : 2);
  return list.map((file) => ({ file, node, version })).sort((a, b) => rank(a.file) - rank(b.file));
}

async function runAll(all) {
  for (const { has, run } of PHASES) await run(all.filter(({ file }) => has(file)));
}

async function runOne({ file, node, version }) {
  const [, limit] = LIMITS.find(([files]) => files.test(file));
  const result = await runTestFile(file, node, limit);
  for (const key of ['passed', 'failed', 'skipped']) total[key] += result[key];
  const count = `${result.passed}${result.failed === 0 ? '' : `, ${result.failed} failed`}`;
  const where = node === process.execPath ? '' : ` on ${version}`;
  const line = `${result.failed === 0 ? 'ok    ' : 'FAILED'} ${file}${where} (${count}; ${seconds(result.time)}, busy ${seconds(result.busy)})`;
  console.log([line, ...result.problems].join('\n  '));
  if (result.output !== '') console.log(result.output);
}

function seconds(time) {
  return `${(time / 1000).toFixed(1)} s`;
}

async function workOnNode24() {
  const list = files.filter((file) => MEETS_NODE.some((one) => one.test(file)) && !ONCE.some((not) => not.test(file)));
  if (list.length === 0) return [];
  const node = await existingNode24();
  if (node !== undefined) return work(list, node.path, node.version);
  if (process.env.CI !== 'true') {
    console.log('Node 24 is not in .cache: its run is left out (`npm run setup` installs it)');
    return [];
  }
  console.log('FAILED Node 24 is not in .cache; run `npm run setup`');
  total.failed += 1;
  return [];
}

/** A test that needs root skips itself where there is none; of a CI all is asked. */
async function tellLeftOut() {
  if (process.env.CI !== 'true') return;
  const why = await whyNoNamespaces();
  if (why === undefined) return;
  console.log(`FAILED ${why}`);
  total.failed += 1;
}

async function prepareEngine() {
  try {
    await ensureEngine();
    // the sweep is the tests' own: what labels containers also knows how to remove them
    const { sweepContainers } = await import(pathToFileURL(join(ROOT, 'fixtures/container.js')).href);
    const { runs } = await import(pathToFileURL(join(ROOT, 'fixtures/process-tree.js')).href);
    await sweepContainers(runs);
  } catch (error) {
    console.log(`the container tests will fail: ${error.message}`);
  }
}
