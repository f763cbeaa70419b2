import { test } from 'tap';
import { openTestLink } from '../../fixtures/link.ts';
import { HERE, launching } from '../../fixtures/launching.ts';
import { startSshd } from '../../fixtures/sshd.ts';

test('a backend is launched once, and the next link adopts it with its token', async (t) => {
  const sshd = await startSshd(t);
  const options = { recipe: 'mains', command: `${HERE} serve --port={port}` };
  const first = await launching(t, await openTestLink(t, sshd), options);
  const backend = await first.up();
  t.match(backend, { adopted: false, target: { kind: 'tcp', host: '127.0.0.1' }, says: /^pid \d+ since / });
  const second = await launching(t, await openTestLink(t, sshd), options);
  const again = await second.up();
  t.match(again, { adopted: true, run: backend.run, says: backend.says, target: backend.target });
  t.equal(again.token?.reveal(), backend.token?.reveal());
  t.same([...first.warnings, ...second.warnings], []);
});
