import { test } from 'tap';
import { startContainer } from '../fixtures/container.ts';
import { anotherLink, backends, runOf, saidPid, ticks, up } from './launched.ts';

test('100 reconnects leave one backend, those too that are lost while they look for it', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  const pid = await saidPid(daemon);
  const runs: string[] = [];
  for (let lost = 0; lost < 100; lost += 1) {
    await anotherLink(daemon, () => container.killSessions());
    if (lost % 2 === 1) runs.push(await runOf(daemon));
  }
  t.same([...new Set(runs)], [run]);
  t.equal(await saidPid(daemon), pid);
  t.equal(await backends(container), 1);
  t.same([...new Set(await ticks(container))], [pid], 'no other was ever started');
});
