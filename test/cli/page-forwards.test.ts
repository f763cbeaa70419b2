import { test } from 'tap';
import { startDaemon } from '../e2e/daemon.ts';
import { runTowline } from '../fixtures/cli.ts';
import { startSshd } from '../fixtures/sshd.ts';

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
