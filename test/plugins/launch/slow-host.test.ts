import { once } from 'node:events';
import { test } from 'tap';
import { exitOfDeeds } from '../../../src/cli/backend-deeds.ts';
import type { RemoteHost, RunEnd } from '../../../src/core/model/remote.ts';
import { inTime } from '../../../src/plugins/launch/in-time.ts';
import { endBackend } from '../../../src/plugins/launch/manage.ts';
import { verifyRun } from '../../../src/plugins/launch/verify-run.ts';

/** What no sshd can be made to do here: a shell that gets no process, or a host that takes for ever. */
function answering(end: Partial<RunEnd>): RemoteHost {
  const never = () => Promise.reject(new Error('not asked'));
  return {
    facts: { remote: 'me@slow:22', user: 'me' },
    run: async () => ({ code: 0, signal: null, stdout: '', stderr: '', late: false, ...end }) as RunEnd,
    readFile: never,
    writeFile: never,
    dial: never,
  };
}
const { signal } = new AbortController();
const place = { host: '127.0.0.1', port: 8_080 };

test('a host that is too slow is the fault of no plugin, and what is done there hears that nobody waits', async (t) => {
  let aborted: unknown = null;
  const work = inTime(50, signal, { name: 'api', remote: 'me@slow:22' }, (over) => {
    over.addEventListener('abort', () => (aborted = over.reason));
    return new Promise<never>(() => undefined);
  });
  const fault = { code: 'LAUNCH_TIMEOUT', message: /^me@slow:22 took more than 0\.05 s over the backend api: / };
  await t.rejects(work, fault);
  t.match(aborted, fault);
  t.equal(await inTime(10_000, signal, { name: 'api', remote: 'me@slow:22' }, async () => 'done'), 'done');
  const outer = new AbortController();
  const own = inTime(10_000, outer.signal, { name: 'api', remote: '' }, async (over) => {
    await once(over, 'abort');
    throw new Error('the link is gone, and this was its last line');
  });
  outer.abort(new Error('the link is gone'));
  await t.rejects(own, /its last line/, 'the work says it better');
});

test('a host that answered nothing has not said that somebody else listens', async (t) => {
  const run = { dir: '/d', run: 'r1' };
  await t.rejects(verifyRun(answering({}), 'api', run, place, signal), {
    code: 'PROBE_FAILED',
    message: /ran nothing/,
  });
  await t.rejects(verifyRun(answering({ stdout: 'B none\n' }), 'api', run, place, signal), { code: 'BACKEND_FOREIGN' });
});

test('a lock that somebody holds is told, and what outlives its end is no success', async (t) => {
  await t.rejects(endBackend(answering({ late: true }), 'api', { forGood: true }), {
    code: 'LAUNCH_TIMEOUT',
    message: /another towline holds its lock, or the host is too slow/,
  });
  const end = await endBackend(answering({ stdout: 'left 12 13\n' }), 'api', { forGood: true });
  t.equal(exitOfDeeds([{ host: 'h', name: 'api', ...end }]), 69);
  t.equal(exitOfDeeds([{ host: 'h', name: 'api', was: 'ended', left: [], cleared: [12] }]), 0);
});
