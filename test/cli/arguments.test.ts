import { test } from 'tap';
import { readCount, readFlag, readText } from '../../src/cli/arguments.ts';

test('a text is given once and is not empty', async (t) => {
  t.equal(readText({ config: 'a' }, 'config'), 'a');
  t.equal(readText({}, 'config'), null);
  t.throws(() => readText({ config: ['a', 'b'] }, 'config'), { code: 'USAGE', message: /--config was given 2 times/ });
  t.throws(() => readText({ config: '' }, 'config'), { code: 'USAGE', message: /--config needs a value/ });
  t.throws(() => readText({ F: '' }, 'F'), { code: 'USAGE', message: /^-F needs a value/ });
});

test('a number is whole and large enough', async (t) => {
  t.equal(readCount({ lines: '12' }, 'lines', 0, 50), 12);
  t.equal(readCount({}, 'lines', 0, 50), 50);
  t.equal(readCount({}, 'after', 0, null), null);
  for (const lines of ['abc', '1.5', '-1', '1e3', '0x10', ' 1', '9'.repeat(16), '0']) {
    t.throws(() => readCount({ lines }, 'lines', 1, 50), { code: 'USAGE' }, lines);
  }
});

test('a switch is on only when it was given', async (t) => {
  t.equal(readFlag({ json: true }, 'json'), true);
  t.equal(readFlag({}, 'json'), false);
});
