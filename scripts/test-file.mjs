import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Parser } from 'tap-parser';

const WARNING = /^\(node:\d+\) .*Warning.*$/m;
const SHOWN = 20_000;
const GRACE = 2000;

/**
 * Runs one compiled test file. A named test of the file's top level counts as one. A crash, a timeout, a process warning, a file without a
 * test and a process that is left behind are failures like any other. `busy`: ms of processor time of all that it started and waited for.
 */
export async function runTestFile(file, node, timeout) {
  const start = Date.now();
  const { results, output, end, late, left, busy } = await execute(file, node, timeout);
  const problems = [];
  const warning = WARNING.exec(output);
  if (warning !== null) problems.push(`a process warning: ${warning[0]}`);
  if (left.length > 0) problems.push(`processes were left behind: ${left.join(', ')}`);
  if (late) problems.push(`not finished within ${timeout / 1000} s`);
  else if (results.bailout !== false) problems.push(`bail out: ${results.bailout}`);
  else if (results.count === 0) problems.push('no test was run');
  else if (results.fail === 0 && (end !== 0 || !results.ok)) problems.push(`crashed: ended with ${end}`);
  const failed = results.fail + problems.length;
  return {
    passed: Math.max(0, results.pass - results.skip - results.todo),
    failed,
    skipped: results.skip + results.todo,
    problems,
    time: Date.now() - start,
    busy,
    output: failed === 0 ? '' : output.slice(-SHOWN),
  };
}

async function execute(file, node, timeout) {
  // a process group of its own: whatever the test starts and forgets can be found and ended
  const child = spawn(node, ['--trace-warnings', file], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TAP_TIMEOUT: String(timeout / 1000), TESTCONTAINERS_RYUK_DISABLED: 'true' },
  });
  const parser = new Parser();
  const parsed = once(parser, 'complete');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
    parser.write(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
  });
  const closed = once(child, 'close');
  let busy = 0;
  child.once('exit', () => {
    busy = spentByChildren();
  });
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const timer = new AbortController();
  // tap ends the file itself at its timeout; this is for one that does not even run its timers
  const end = await Promise.race([ended, sleep(timeout + GRACE, undefined, { signal: timer.signal })]);
  timer.abort();
  const left = end === undefined ? [] : await leftBehind(child.pid);
  signalGroup(child.pid, 'SIGKILL');
  // a process that left the group may hold the pipe open for ever
  await Promise.race([closed, sleep(GRACE)]);
  child.stdout.destroy();
  child.stderr.destroy();
  parser.end();
  const [results] = await parsed;
  return { results, output, end, late: end === undefined, left, busy };
}

let spent = 0;

/** Processor time, ms, that the system has booked on this process for children that ended since the last call: cutime and cstime of proc(5). */
function spentByChildren() {
  const fields = read('/proc/self/stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  // 100 ticks a second, on all that Linux runs on
  const now = (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * 10;
  const since = now - spent;
  spent = now;
  return since;
}

/** The commands that still run in a process group after a moment of grace. */
async function leftBehind(group) {
  if (process.platform !== 'linux') return [];
  for (const until = Date.now() + GRACE; ; await sleep(20)) {
    const left = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isIn(group, pid));
    if (left.length === 0 || Date.now() > until) return left.map((pid) => `${pid} ${commandOf(pid)}`);
  }
}

function isIn(group, pid) {
  // proc(5): the fields after the name in parentheses are state, parent and group
  const [state, , own] = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(own) === group && state !== 'Z';
}

const commandOf = (pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

function signalGroup(group, signal) {
  try {
    process.kill(-group, signal);
  } catch {
    // nobody is left in it
  }
}
