import { appendFileSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { startEcho } from '../fixtures/backend.ts';
import { testBytes } from '../fixtures/bytes.ts';
import { exchange } from '../fixtures/client.ts';
import { signalAll } from '../fixtures/process-tree.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { clock, measured } from './measure.ts';

test('F30: of 200 connections that are opened while keys are exchanged all the time not one is lost', async (t) => {
  const sshd = await startSshd(t, { config: ['RekeyLimit 1K'] });
  const echo = await startEcho(t);
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const { id } = relays.supervisor.status();
  const since = clock();
  const bytes = Buffer.concat([...testBytes(2_000)]);
  const answers = await Promise.all(Array.from({ length: 200 }, () => exchange(relays.port('r'), bytes, 60_000)));
  t.equal(answers.filter((answer) => answer.equals(bytes)).length, 200);
  measured(t, 'F30', { rekey: '1K', opens: '200', took: since(), lost: '0' });
  t.same(
    relays.events.filter((event) => event.id > id && event.type === 'lane.changed' && event.state.at !== 'up'),
    [],
  );
});

test('F31: a link over which nobody says anything stays, and is asked no oftener than its keepalive', async (t) => {
  const sshd = await startSshd(t, { config: ['LogLevel DEBUG3', 'ClientAliveInterval 0'] });
  const echo = await startEcho(t);
  const keepalive = { interval: '1s', count: 2 };
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`], keepalive } });
  await relays.reach('r', 'connected');
  const { id } = relays.supervisor.status();
  const from = sshd.log().length;
  await new Promise((resolve) => setTimeout(resolve, 6_000)); // the silence is the fault
  const asked =
    sshd
      .log()
      .slice(from)
      .match(/keepalive@openssh\.com/g)?.length ?? 0;
  t.same(
    relays.events.filter((event) => event.id > id && event.type === 'lane.changed' && event.state.at !== 'up'),
    [],
  );
  t.equal(String(await exchange(relays.port('r'), 'still here')), 'still here');
  t.ok(asked >= 3 && asked <= 7, `${asked} questions in 6 s`);
  measured(t, 'F31', { idle: '6s', keepalive: '1s', asked: String(asked), lost: '0' });
});

test('F32: a jump host that dies under a link is named as its hop, and the link comes back through it', async (t) => {
  const [jump, target] = [await startSshd(t), await startSshd(t)];
  const echo = await startEcho(t);
  const inner = readFileSync(target.sshConfigFile, 'utf8').replace('Host test', 'Host inner');
  appendFileSync(jump.sshConfigFile, `${inner}  ProxyJump test\n`);
  const relays = await supervise(t, jump, { r: { host: 'inner', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const { id } = relays.supervisor.status();
  const lost = relays.next('the loss', (event) => event.type === 'lane.changed' && event.state.at !== 'up', id);
  const since = clock();
  signalAll(jump.sessions(), 'SIGKILL');
  await lost;
  const detect = since();
  t.match(relays.status('r').lastFault, { code: 'LINK_LOST', message: new RegExp(`hop 1 \\(.*:${jump.port}\\)`) });
  t.equal(String(await exchange(relays.port('r'), 'again')), 'again');
  measured(t, 'F32', { detect, recover: since() });
});
