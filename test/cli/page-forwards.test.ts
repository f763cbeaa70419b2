import { once } from 'node:events';
import { test } from 'tap';
import { startDaemon } from '../e2e/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { dial } from '../fixtures/client.ts';
import { runTowline } from '../fixtures/cli.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { waitUntil } from '../fixtures/wait.ts';

test('the port of a remote forward or of a SOCKS proxy is no address for a UI, and is refused by name', async (t) => {
  const daemon = await startDaemon(t, await startSshd(t), {
    rem: { host: 'test', forwards: ['remote:0:127.0.0.1:9'] },
    dyn: { host: 'test', forwards: ['dynamic:0'] },
    all: { host: 'test', forwards: ['remote:0:127.0.0.1:9', 'dynamic:0', '0:127.0.0.1:9'] },
  });
  for (const relay of ['rem', 'dyn', 'all']) await daemon.reach(relay, relay === 'all' ? 'degraded' : 'connected');
  // One that was set by hand goes to no stranger either.
  for (const relay of ['rem', 'all']) await runTowline(t, ['token', 'set', relay], { input: 'tk-5f0a3c9e1b7d4826' });
  const none =
    /^towline: (rem|dyn) has no local forward, so there is no address for a UI; its only forward is 1 \((remote|dynamic) 127\.0\.0\.1:\d+\) \[USAGE\]\n$/;
  for (const command of ['url', 'open']) {
    for (const relay of ['rem', 'dyn']) {
      t.match(await runTowline(t, [command, relay]), { code: 64, stdout: '', stderr: none });
    }
  }
  const url = (which: string) => runTowline(t, ['url', 'all', which, '--print']);
  t.match(await url('1'), {
    code: 64,
    stdout: '',
    stderr: /is where the host of all listens, no address of this machine; its forwards are 1 \(remote /,
  });
  t.match(await url('2'), {
    code: 64,
    stdout: '',
    stderr: /is a SOCKS proxy, no page: set it as the proxy \(socks5h:\/\/127\.0\.0\.1:\d+\)/,
  });
  t.match(await runTowline(t, ['url', 'all', '--print']), {
    code: 0,
    stdout: /^http:\/\/127\.0\.0\.1:\d+\/\?token=tk-5f0a3c9e1b7d4826\n$/,
  });
  t.match(await runTowline(t, ['url', 'all', '--print']), {
    stderr: /^towline: all is degraded, so nothing may answer there now: .*\[TARGET_REFUSED\]/,
  });
  await runTowline(t, ['stop', 'all']);
  await daemon.reach('all', 'offline');
  for (const command of ['url', 'open']) {
    t.match(await runTowline(t, [command, 'all']), {
      code: 69,
      stdout: '',
      stderr: /^towline: all is stopped, so that another may listen there; `towline start all` \[RELAY_STOPPED\]\n$/,
    });
  }
});

test('the address of a forward that serves is given without a word, that of one that does not with its own reason', async (t) => {
  const echo = await startEcho(t);
  const forwards = ['0:127.0.0.1:9', `0:127.0.0.1:${echo.port}`, '0:127.0.0.1:10'];
  const daemon = await startDaemon(t, await startSshd(t), { part: { host: 'test', forwards } });
  await daemon.reach('part', 'degraded');
  await waitUntil('all are judged', async () =>
    (await daemon.status('part')).forwards.every(({ judgement }) => judgement !== 'pending'),
  );
  t.match(await runTowline(t, ['url', 'part', '2', '--print']), { code: 0, stderr: '' });
  t.match(await runTowline(t, ['url', 'part', '3', '--print']), {
    code: 0,
    stderr: /^towline: part is degraded, so nothing may answer there now: .*127\.0\.0\.1:10.*\[TARGET_REFUSED\]\n$/,
  });
});

test('the address of a forward whose link is silent is given with that, and that of one that is not bound with its own reason', async (t) => {
  const [sshd, echo] = [await startSshd(t), await startEcho(t)];
  const forwards = [`0:127.0.0.1:${echo.port}`, '0:127.0.0.1:9', `${echo.port}:127.0.0.1:9`];
  const daemon = await startDaemon(t, sshd, {
    mute: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] },
    part: { host: 'test', forwards },
  });
  await daemon.reach('part', 'degraded');
  t.match(await runTowline(t, ['url', 'part', '3', '--print']), {
    code: 0,
    stderr: /^towline: part is degraded, so nothing may answer there now: .*\[LISTEN_TAKEN\]\n$/,
  });
  await daemon.reach('mute', 'connected');
  const client = await dial(await daemon.port('mute'));
  t.teardown(() => client.destroy());
  client.write('x');
  await once(client, 'data');
  sshd.pause();
  t.teardown(() => sshd.resume());
  const waits = await dial(await daemon.port('mute'));
  t.teardown(() => waits.destroy());
  await daemon.reach('mute', 'degraded');
  t.match(await runTowline(t, ['url', 'mute', '--print']), {
    code: 0,
    stderr: /^towline: mute is degraded, so nothing may answer there now: nothing was heard from /,
  });
});

test('where only the backend could say its address, there is none before it is ready', async (t) => {
  const daemon = await startDaemon(t, await startSshd(t), {
    box: {
      host: 'test',
      forwards: ['0:backend'],
      plugins: [{ use: 'launch', recipe: 'mains', command: 'exit 3 # {port}' }],
    },
  });
  // After five tries.
  await daemon.reach('box', 'blocked', 60_000);
  for (const words of [
    ['url', 'box', '--print'],
    ['url', 'box'],
    ['open', 'box'],
  ]) {
    t.match(
      await runTowline(t, words),
      {
        code: 69,
        stdout: '',
        stderr:
          /^towline: box is blocked, and what its backend's address is nobody knows yet: .*\[LAUNCH_FAILED\].* \[BACKEND_UNREADY\]\n$/,
      },
      words.join(' '),
    );
  }
  t.match(await runTowline(t, ['url', 'box', '--print', '--recipe', 'mains']), { code: 0, stdout: /^ws:\/\/127/ });
});
