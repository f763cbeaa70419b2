import { test } from 'tap';
import { runTowline } from '../fixtures/cli.ts';
import { fateOf } from '../fixtures/client.ts';
import { ECHO_PORT, startContainer } from '../fixtures/container.ts';
import { startDaemon, writeConfig } from './daemon.ts';

const relays = { r: { host: 'test', forwards: [`0:127.0.0.1:${ECHO_PORT}`] } };

test('a refused key blocks after one try, and is an exit code', async (t) => {
  const container = await startContainer(t);
  await container.exec('rm /home/dev/.ssh/authorized_keys');
  const daemon = await startDaemon(t, container, relays);
  t.match((await daemon.reach('r', 'blocked')).standing.fault, { code: 'AUTH_REJECTED' });
  t.equal(container.log().match(/Failed publickey/g)?.length, 1);
  await daemon.cli.stop();
  const ended = await runTowline(t, ['up', '--exit-on-failure', '--config', writeConfig(t, container, relays)]);
  t.equal(ended.code, 77);
  t.match(ended.stderr, /\[AUTH_REJECTED\]/);
});

test('forbidden forwarding blocks, and its clients are reset at once', async (t) => {
  const container = await startContainer(t, { config: ['AllowTcpForwarding=no'] });
  const daemon = await startDaemon(t, container, relays);
  t.match((await daemon.reach('r', 'blocked')).standing.fault, { code: 'FORWARDING_REFUSED' });
  t.equal(await fateOf(await daemon.port('r')), 'ECONNRESET');
});
