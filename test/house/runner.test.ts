import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'tap';
import { makeTemp } from '../fixtures/temp.ts';

interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly problems: readonly string[];
  readonly output: string;
}

type RunTestFile = (file: string, node: string, timeout: number) => Promise<FileResult>;

const TWO = "console.log('TAP version 14\\nok 1 - a\\n# Subtest: b\\n    ok 1 - inner\\n    1..1\\nok 2 - b\\n1..2');";
const LEFT = "require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' }).unref();";

const cases = [
  { name: 'counts the named tests of the top level', program: TWO, passed: 2, failed: 0, problem: undefined },
  {
    name: 'a failed test is one',
    program: "console.log('not ok 1 - a\\n1..1')",
    passed: 0,
    failed: 1,
    problem: undefined,
  },
  {
    name: 'a skipped test is neither',
    program: "console.log('ok 1 # SKIP why\\n1..1')",
    passed: 0,
    failed: 0,
    problem: undefined,
  },
  { name: 'a file without a test', program: '', passed: 0, failed: 1, problem: 'no test was run' },
  {
    name: 'a plan that is not kept',
    program: "console.log('ok 1 - a\\n1..2')",
    passed: 1,
    failed: 1,
    problem: undefined,
  },
  {
    name: 'an exit code beside good tests',
    program: `${TWO} process.exitCode = 7;`,
    passed: 2,
    failed: 1,
    problem: 'crashed: ended with 7',
  },
  {
    name: 'a kill in the midst',
    program: `${TWO} process.kill(process.pid, 'SIGKILL');`,
    passed: 2,
    failed: 1,
    problem: /^crashed/,
  },
  {
    name: 'a warning of the process',
    program: `${TWO} process.emitWarning('leak');`,
    passed: 2,
    failed: 1,
    problem: /^a process warning: .*leak/,
  },
  {
    name: 'a process that is left behind',
    program: `${TWO} ${LEFT}`,
    passed: 2,
    failed: 1,
    problem: /left behind: \d+ sleep 600$/,
  },
  {
    name: 'a file that never ends',
    program: `${TWO} setInterval(() => {}, 1000);`,
    passed: 2,
    failed: 1,
    problem: 'not finished within 1.5 s',
  },
] as const;

for (const { name, program, passed, failed, problem } of cases) {
  test(`the test runner judges: ${name}`, async (t) => {
    const runner = pathToFileURL(join(process.cwd(), 'scripts/test-file.mjs')).href;
    const { runTestFile } = (await import(runner)) as { runTestFile: RunTestFile };
    const file = join(makeTemp(t, 'runner'), 'case.cjs');
    writeFileSync(file, program);
    const result = await runTestFile(file, process.execPath, 1500);
    t.match(result, { passed, failed, skipped: name.includes('skipped') ? 1 : 0 });
    t.match(result.problems, problem === undefined ? [] : [problem]);
    t.equal(result.problems.length, problem === undefined ? 0 : 1);
    if (failed === 0) t.equal(result.output, '', 'what went well says nothing');
    else if (program !== '') t.match(result.output, /ok/, 'what failed shows its output');
  });
}

test('no two tests share an object of options: tap writes into it, and runs the first of two buffered ones twice', (t) => {
  const shared = /\btest\(\s*(?:'[^']*'|`[^`]*`),\s*(\w+),\s*(?:async )?\(/g;
  t.match([..."test('a', options, async (t) => {".matchAll(shared)].length, 1);
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  t.ok(files.length > 100, 'the tests were found');
  const found = files.flatMap((file) =>
    [...readFileSync(join('test', file), 'utf8').matchAll(shared)]
      .filter(([text]) => !text.includes("'a', options"))
      .map(([, name]) => `${file}: ${name}`),
  );
  t.same(found, []);
  t.end();
});

test('in a CI that has no networks for tests the run fails and says why; elsewhere those tests are left out', (t) => {
  const dir = makeTemp(t, 'runner');
  writeFileSync(join(dir, 'unshare'), '#!/bin/sh\necho unshare failed: not allowed >&2; exit 1\n', { mode: 0o755 });
  const run = (env: object) => {
    const args = ['scripts/test.mjs', '--only', 'core/model/endpoint'];
    return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, CI: '', ...env } });
  };
  const without = { PATH: `${dir}:${process.env['PATH']}` };
  const failed = run({ ...without, CI: 'true' });
  t.match(
    failed.stdout,
    /^FAILED the tests that need root, .* cannot run here: unshare failed: not allowed; run all as root/,
  );
  t.match(failed.stdout, /\d passed, 1 failed\n$/);
  t.equal(failed.status, 1);
  t.match(run(without), { status: 0, stdout: /^(?!FAILED).*\d passed, 0 failed\n$/s });
  t.end();
});
