import { PassThrough } from 'node:stream';
import { test } from 'tap';
import { PipedLines } from '../../src/cli/piped-lines.ts';

const { signal } = new AbortController();

test('each prompt takes a line, however they arrive; the last one may lack its end', async (t) => {
  const input = new PassThrough();
  const lines = new PipedLines(input);
  const first = lines.next(signal);
  input.write('on');
  input.write('e\r\n\ntw');
  t.equal(await first, 'one');
  t.equal(await lines.next(signal), '', 'an empty line is an answer');
  input.end('o');
  t.equal(await lines.next(signal), 'two');
  t.equal(await lines.next(signal), null);
  t.equal(await lines.next(signal), null);
});

test('a line is not lost with a prompt that is over', async (t) => {
  const input = new PassThrough();
  const lines = new PipedLines(input);
  const over = new AbortController();
  const given = lines.next(over.signal);
  over.abort();
  t.equal(await given, null);
  input.end('kept\n');
  t.equal(await lines.next(signal), 'kept');
});
