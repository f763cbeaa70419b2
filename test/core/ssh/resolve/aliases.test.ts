import { appendFileSync } from 'node:fs';
import { test } from 'tap';
import { aliasesIn } from '../../../../src/core/ssh/resolve/aliases.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { supervise } from '../../../fixtures/supervised.ts';

test('aliases are the names of Host lines, without patterns and negations', (t) => {
  const text = 'Host one two !three *.four\n  User x\nhost FIVE\nHost "six"\nMatch host seven\nHost one\n';
  t.same(aliasesIn(text), ['one', 'two', 'FIVE', 'six']);
  t.end();
});

test('a misspelled alias is answered with the one that was probably meant', async (t) => {
  const sshd = await startSshd(t);
  appendFileSync(sshd.sshConfigFile, `Host *\n  IdentityFile ${sshd.keyFile}\n`);
  const relays = await supervise(t, sshd, { r: { host: 'tests', forwards: ['0:127.0.0.1:9'] } });
  const waiting = await relays.next(
    'the wait',
    (event) => event.type === 'lane.changed' && event.state.at === 'waiting',
  );
  t.match(waiting, {
    state: {
      fault: { code: 'NAME_NOT_FOUND', message: /does not resolve.*ssh_config knows "test", did you mean that\?/ },
    },
  });
});
