import { test } from 'tap';
import { startContainer } from '../fixtures/container.ts';
import { anotherLink, backends, runOf, up } from './launched.ts';

test('100 reconnects leave one backend', async (t) => {
  const container = await startContainer(t);
  const { daemon, run } = await up(t, container);
  for (let lost = 0; lost < 100; lost += 1) {
    await anotherLink(daemon, () => container.killSessions());
  }
  t.equal(await runOf(daemon), run);
  t.equal(await backends(container), 1);
});
