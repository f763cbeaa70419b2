// `node scripts/test.mjs [--only PATTERN] [--long]`: runs the compiled tests; the last line is `N passed, N failed`.
//
// Each file is a plain program that prints TAP, and tap-parser judges it. The tap command is not used: it injects its process tracer into
// every child, and starting a Node process then takes 730 ms instead of 130 (measured, Node 20): towline forks all the time.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureEngine } from './engine.mjs';
import { existingNode24 } from './node24.mjs';
import { runTestFile } from './test-file.mjs';

const ROOT = 'dist/test';
const NEEDS_ENGINE = /\/e2e\/|\/container\./;
const ALONE = /\.serial\.test\.js$/;
// They wait for minutes: the others run meanwhile.
const LONGEST = /\/(faults|soak)\//;
// A test waits for most of its time, for a deadline or a process: more of them than cores keep the cores busy. What starts containers needs
// a core of its own, and what measures time has the machine for itself.
const PHASES = [
  { jobs: 3, has: (file) => !NEEDS_ENGINE.test(file) && !ALONE.test(file) },
  { jobs: 2, has: (file) => NEEDS_ENGINE.test(file) },
  { jobs: 1, has: (file) => ALONE.test(file) },
];
// What is injected or measured there meets the kernel, the server and the machine more than the engine of JavaScript, and takes minutes: once
// is enough.
const ONCE = /\/(faults|soak|plugins\/launch)\/|\.serial\.test\.js$/;

/** ms */
const LIMITS = [
  [/\.long\.test\.js$/, 1_800_000],
  [/\/soak\//, 400_000],
  [/./, 180_000],
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

if (files.some((file) => NEEDS_ENGINE.test(file))) await prepareEngine();
await runAll(files, process.execPath, process.version);
await runOnNode24(files.filter((file) => ![NEEDS_ENGINE, ONCE, /\.long\.test\.js$/].some((other) => other.test(file))));

if (total.skipped > 0) console.log(`${total.skipped} skipped`);
if (total.passed + total.failed === 0) {
  console.log(`no test was run in ${ROOT}${options.only === undefined ? '' : ` for --only ${options.only}`}`);
  process.exitCode = 1;
}
if (total.failed > 0) process.exitCode = 1;
console.log(`${total.passed} passed, ${total.failed} failed`);

async function runAll(list, node, version) {
  if (list.length === 0) return;
  console.log(`${list.length} test files on Node ${version}`);
  for (const { jobs, has } of PHASES) {
    const phase = list.filter(has).sort((a, b) => Number(LONGEST.test(b)) - Number(LONGEST.test(a)));
    const next = async () => {
      for (let file = phase.shift(); file !== undefined; file = phase.shift()) await runOne(file, node);
    };
    await Promise.all(Array.from({ length: jobs }, next));
  }
}

async function runOne(file, node) {
  const [, limit] = LIMITS.find(([files]) => files.test(file));
  const result = await runTestFile(file, node, limit);
  for (const key of ['passed', 'failed', 'skipped']) total[key] += result[key];
  const count = `${result.passed}${result.failed === 0 ? '' : `, ${result.failed} failed`}`;
  const line = `${result.failed === 0 ? 'ok    ' : 'FAILED'} ${file} (${count}; ${(result.time / 1000).toFixed(1)} s)`;
  console.log([line, ...result.problems].join('\n  '));
  if (result.output !== '') console.log(result.output);
}

async function runOnNode24(list) {
  const node = existingNode24();
  if (node !== undefined) return runAll(list, node.path, node.version);
  if (process.env.CI !== 'true') {
    console.log('Node 24 is not in .cache: its run is left out (`npm run setup` installs it)');
    return;
  }
  console.log('FAILED Node 24 is not in .cache; run `npm run setup`');
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
