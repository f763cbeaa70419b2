import { once } from 'node:events';
import { test } from 'tap';
import { startSource } from '../../../fixtures/backend.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { startSshd } from '../../../fixtures/sshd.ts';

const from = { address: '127.0.0.1', port: 0 };

test('nothing is granted to a channel that was closed: its number may be that of the next one', async (t) => {
  const sshd = await startSshd(t);
  const source = await startSource(t, 64 * 1024 * 1024);
  const link = await openTestLink(t, sshd);
  const target = { kind: 'tcp', host: '127.0.0.1', port: source.port } as const;
  for (let round = 0; round < 15 && link.fault === null; round += 1) {
    const left = await link.dial(target, from);
    await once(left, 'data');
    // What is still on its way is read: it came while the next channel was opened.
    left.close();
    const unread = await link.dial(target, from);
    for (let n = 0; n < 3; n += 1) await link.roundTrip();
    unread.close();
  }
  t.equal(link.fault, null);
});
