import { test } from 'tap';
import { formatLine, parseLine } from '../../src/cli/log-line.ts';

test('a line of the log is read back with its level and time', async (t) => {
  t.same(parseLine('{"level":40,"time":1234,"event":"relay.warned","msg":"dev-box: odd"}'), {
    at: 1234,
    level: 'warn',
    text: 'dev-box: odd',
  });
  for (const [number, level] of [
    [20, 'debug'],
    [30, 'info'],
    [50, 'error'],
    [60, 'error'],
  ]) {
    t.equal(parseLine(`{"level":${number},"time":1,"msg":"x"}`)?.level, level);
  }
});

test('what is no line of ours is no line', async (t) => {
  for (const line of ['', 'text', '{"level":30', '[]', 'null', '{"msg":"x"}', '{"time":"soon","msg":"x"}']) {
    t.equal(parseLine(line), null, line);
  }
});

test('a line that was altered cannot act on the terminal', async (t) => {
  t.equal(parseLine('{"level":30,"time":1,"msg":"a\\u001b[2Jb"}')?.text, 'a\\x1b[2Jb');
});

const plain = { colour: false, room: Number.POSITIVE_INFINITY };

test('warnings and errors are marked also without colours', async (t) => {
  const at = new Date(2026, 10, 22, 9, 5, 7).getTime();
  t.equal(formatLine({ at, level: 'info', text: 'x' }, plain), '2026-11-22 09:05:07  x');
  t.equal(formatLine({ at, level: 'warn', text: 'x' }, plain), '2026-11-22 09:05:07  ! x');
  t.equal(formatLine({ at, level: 'error', text: 'x' }, plain), '2026-11-22 09:05:07  !! x');
});

test('a long line goes on below, and its commands stay whole', async (t) => {
  const text = 'dev-box: blocked: it needs a password; give it with `towline unlock dev-box` [NEEDS_ANSWER]';
  const lines = formatLine({ at: 0, level: 'error', text }, { colour: false, room: 60 }).split('\n');
  t.strictSame(lines.slice(1), ['    password; give it with `towline unlock dev-box`', '    [NEEDS_ANSWER]']);
  const [first = ''] = formatLine({ at: 0, level: 'error', text }, { colour: true, room: 60 }).split('\n');
  t.ok(first.endsWith('\u001b[39m'), 'no colour reaches over the end of a line');
});
