import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'tap';
import { BACKEND_COMMAND, ECHO_PORT, startContainer, sweepContainers } from '../fixtures/container.ts';
import { runs } from '../fixtures/process-tree.ts';
import { runSsh } from '../fixtures/sshd-client.ts';
import { waitUntil } from '../fixtures/wait.ts';

test('the real ssh client logs in to the container and reaches what listens on its loopback', async (t) => {
  const container = await startContainer(t, { config: ['MaxSessions=7'] });
  t.match(await runSsh(container, 'id -un; exit 3'), { code: 3, stdout: 'dev\n' });
  const echo = await runSsh(container, `echo ping | socat - TCP:127.0.0.1:${ECHO_PORT}`);
  t.match(echo, { code: 0, stdout: 'ping\n' });
  t.match(await container.exec('/usr/sbin/sshd -T $SSHD_OPTIONS'), { code: 0, stdout: /^maxsessions 7$/m });
});

test('a backend of the tests runs on the container', async (t) => {
  const container = await startContainer(t);
  const backend = `${BACKEND_COMMAND} serve --port=8787 >/tmp/log 2>&1 </dev/null &`;
  t.match(await runSsh(container, `MAINS_SERVE_TOKEN=abc setsid ${backend}`), { code: 0 });
  const log = async (): Promise<string> => (await container.exec('cat /tmp/log')).stdout;
  await waitUntil('the token in the log', async () => /pairing token: abc/.test(await log()));
});

test('a container keeps its port and its keys over a restart', async (t) => {
  const container = await startContainer(t);
  await container.restart();
  t.match(await runSsh(container, 'true'), { code: 0 });
});

test('a paused container stays silent until it goes on', async (t) => {
  const container = await startContainer(t);
  await container.pause();
  const socket = connect(container.port, '127.0.0.1');
  let said = '';
  socket.on('data', (chunk) => (said += chunk));
  await once(socket, 'connect');
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.equal(said, '', 'no greeting while paused');
  await container.unpause();
  await waitUntil('a greeting', () => said.startsWith('SSH-2.0-'));
  socket.destroy();
});

test('sessions in the container end, and it lets in the next', async (t) => {
  const container = await startContainer(t);
  const session = runSsh(container, 'echo in >/tmp/in; sleep 600');
  await waitUntil('the session', async () => (await container.exec('test -s /tmp/in')).code === 0);
  await container.killSessions();
  t.match(await session, { code: 255 });
  t.match(await runSsh(container, 'true'), { code: 0 });
});

test('a swapped host key of the container is refused by ssh until it is trusted', async (t) => {
  const container = await startContainer(t, { hostKeys: ['ed25519', 'rsa'] });
  await container.swapHostKey();
  t.match(await runSsh(container, 'true'), { code: 255, stderr: /HOST IDENTIFICATION HAS CHANGED/ });
  await container.trustHostKeys();
  t.match(await runSsh(container, 'true'), { code: 0 });
});

test('the sweep removes what a dead run left, and nothing else', async (t) => {
  const container = await startContainer(t);
  // Those of other runs on this machine are none of this test's business.
  await sweepContainers(runs);
  t.match(await runSsh(container, 'true'), { code: 0 }, 'the one of a live run stays');
  await sweepContainers((pid) => pid !== process.pid);
  await t.rejects(container.exec('true'), /no such container/i, 'the one of a dead run is gone');
});
