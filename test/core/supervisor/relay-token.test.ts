import { test } from 'tap';
import type { BackendFacts } from '../../../src/core/model/backend.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { Secret } from '../../../src/core/model/secret.ts';
import { RelayToken } from '../../../src/core/supervisor/relay/relay-token.ts';

const backend: BackendFacts = {
  target: { kind: 'tcp', host: '127.0.0.1', port: 29_999 },
  run: 'aaaa',
  adopted: false,
  door: null,
  opens: null,
  says: '',
};

/** The one copy of a relay's token, and what a person has set. */
function kept() {
  const warnings: string[] = [];
  let set: string | Fault | null = null;
  const read = async () => {
    if (set instanceof Fault) throw set;
    return set === null ? null : new Secret(set);
  };
  const token = new RelayToken('r', read, ({ text }) => warnings.push(text));
  return {
    token,
    warnings,
    shown: () => token.answer.token?.reveal() ?? null,
    set: (text: string | Fault | null) => {
      set = text;
      return token.look();
    },
  };
}

test('what a person has set counts before what a lane has learned, as soon as it is looked for', async (t) => {
  const { token, shown, set } = kept();
  token.learned(backend, new Secret('launched'));
  t.equal(shown(), 'launched');
  // The relay waits, or is blocked: nobody learns anything.
  await set('by hand');
  t.equal(shown(), 'by hand');
  await set('corrected');
  t.equal(shown(), 'corrected');
  // A lane that was on its way had not heard of it.
  token.learned(backend, new Secret('launched'));
  t.equal(shown(), 'corrected');
});

test('what was forgotten is not told any more, though the lane had learned that very one', async (t) => {
  const { token, shown, set } = kept();
  await set('by hand');
  token.learned(backend, new Secret('by hand'));
  await set(null);
  t.equal(shown(), null);
  t.same(token.answer.backend, backend, 'the backend is still the one that it was');
  token.learned(backend, new Secret('launched'));
  t.equal(shown(), 'launched');
});

test('a look that finds the same again forgets nothing; one that cannot be done says why', async (t) => {
  const { token, warnings, shown, set } = kept();
  token.learned(backend, new Secret('launched'));
  await set(null);
  t.equal(shown(), 'launched');
  await set('by hand');
  await set(new Fault('TOKEN_UNSAFE', 'the file is readable by others; run: chmod 600'));
  t.equal(shown(), null);
  t.match(warnings, [/readable by others/]);
});

test('another run with another token is told to who holds the old one; the same token, the first one and one set by hand are not', async (t) => {
  const { token, warnings, set } = kept();
  token.learned(backend, new Secret('launched'));
  token.learned({ ...backend, run: 'two' }, new Secret('launched'));
  t.same(warnings, []);
  const door = { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' } as const;
  token.learned({ ...backend, run: 'three', door }, new Secret('another'));
  t.match(warnings, [/^its backend was started anew, with another token; .*`towline url r`$/]);
  token.learned({ ...backend, run: 'doorless' }, new Secret('a third'));
  t.match(warnings[1], /`towline token r`$/);
  await set('by hand');
  token.learned({ ...backend, run: 'four' }, new Secret('by hand'));
  t.equal(warnings.length, 2);
});
