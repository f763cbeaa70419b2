import { inspect } from 'node:util';
import { test } from 'tap';
import { Secret } from '../../../src/core/model/secret.ts';

test('a secret prints as such wherever it gets to, and is whole where it is revealed', (t) => {
  const secret = new Secret('correct horse');
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret, { showHidden: true }),
  ];
  for (const text of shown) {
    t.notMatch(text, /horse/);
    t.match(text, /\[secret\]/);
  }
  t.equal(new Error(`wrong: ${secret}`).message, 'wrong: [secret]');
  t.same(Object.keys(secret), []);
  t.equal(secret.reveal(), 'correct horse');
  t.end();
});
