import { test } from 'tap';
import { readJson } from '../../../src/core/config/json.ts';
import { locator } from '../../../src/core/config/lines.ts';
import { plain } from '../../../src/core/config/source-node.ts';

/** Numbers that look random and are the same in each run. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

function randomValue(roll: (below: number) => number, depth: number): unknown {
  const texts = ['', 'a', 'é"\\\n', '\u{1f418}', ' {}', '//'];
  switch (roll(depth > 4 ? 4 : 6)) {
    case 0:
      return roll(2) === 0;
    case 1:
      return null;
    case 2:
      return (roll(2_000) - 1_000) / (roll(3) + 1);
    case 3:
      return texts[roll(texts.length)];
    case 4:
      return Array.from({ length: roll(4) }, () => randomValue(roll, depth + 1));
    default:
      return Object.fromEntries(Array.from({ length: roll(4) }, (_, key) => [`k${key}`, randomValue(roll, depth + 1)]));
  }
}

test('whatever JSON.stringify writes is read as JSON.parse reads it', (t) => {
  const roll = dice(20_261_122);
  for (let round = 0; round < 500; round += 1) {
    const value = randomValue(roll, 0);
    const text = JSON.stringify(value, null, round % 3);
    const reading = readJson(text);
    t.strictSame('node' in reading ? plain(reading.node) : reading.complaints, JSON.parse(text), text);
  }
  t.end();
});

test('a mutilated text is refused exactly when JSON.parse refuses it', (t) => {
  const roll = dice(7);
  const whole = JSON.stringify({ a: [1, -2.5e3, 'x\\u0041', true, null, { b: {} }], 'c d': '\t' });
  let refused = 0;
  for (let round = 0; round < 3_000; round += 1) {
    const at = roll(whole.length);
    const char = '[]{},:"\\0-+.eEtfn \n/#\'x\x01'[roll(24)] ?? '';
    const text = whole.slice(0, at) + char + whole.slice(at + roll(3));
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      // The message differs between versions of V8: only the verdict is compared.
      valid = false;
    }
    if (!valid) refused += 1;
    if ('node' in readJson(text) !== valid) t.fail(text);
  }
  t.ok(refused > 1_000, `${refused} refused`);
  t.end();
});

test('an offset becomes a line and a column', (t) => {
  const where = locator('ab\n\ncd\r\ne');
  t.strictSame([0, 2, 3, 4, 8, 9].map(where), [
    { line: 1, column: 1 },
    { line: 1, column: 3 },
    { line: 2, column: 1 },
    { line: 3, column: 1 },
    { line: 4, column: 1 },
    { line: 4, column: 2 },
  ]);
  t.end();
});
