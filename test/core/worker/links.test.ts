import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import type { Link } from '../../../src/core/ssh/link/link.ts';
import { Links } from '../../../src/core/worker/lane/links.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const never = new AbortController().signal;

test('a chain of replaced links: where the last one fails, the key goes back to the first one that lives', async (t) => {
  const sshd = await startSshd(t);
  const links = new Links();
  let opened = 0;
  const open = (): Promise<Link> => {
    opened += 1;
    return openTestLink(t, sshd, { quicken: false });
  };
  const doubt = async (link: Link) => {
    link.onDoubt({ doubted: () => undefined, trusted: () => undefined });
    sshd.freezeSessions();
    link.check(false);
    await waitUntil('it is doubted', () => link.doubted);
  };
  const first = await links.acquire('k', open, never);
  await doubt(first.link);
  const second = await links.acquire('k', open, never);
  t.not(second.link, first.link);
  await doubt(second.link);
  // While the third one is dialed, the second one is given up and the first one answers.
  let fail: (fault: Fault) => void = () => undefined;
  const third = links.acquire('k', () => new Promise((_, reject) => (fail = reject)), never);
  sshd.killSessions('SIGCONT');
  second.release();
  await waitUntil('nobody uses it any more', () => second.link.fault !== null);
  await waitUntil('the first one is trusted', () => !first.link.doubted);
  fail(new Fault('CONNECT_REFUSED', 'as asked'));
  await t.rejects(third, { code: 'CONNECT_REFUSED' });
  const joined = await links.acquire('k', open, never);
  t.equal(joined.link, first.link);
  t.equal(opened, 2, 'no third login');
  first.release();
  t.equal(first.link.fault, null, 'somebody uses it still');
  joined.release();
  await waitUntil('nobody does', () => first.link.fault !== null);
  const anew = await links.acquire('k', open, never);
  t.equal(opened, 3);
  anew.release();
});
