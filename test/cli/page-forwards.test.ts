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
    /^towline: (rem|dyn) has no local forward, so there is no address for a UI; there are 1: (remote|dynamic) 127\.0\.0\.1:\d+ \[USAGE\]\n$/;
  for (const command of ['url', 'open']) {
    for (const relay of ['rem', 'dyn']) {
      t.match(await runTowline(t, [command, relay]), { code: 64, stdout: '', stderr: none });
    }
  }
  const url = (which: string) => runTowline(t, ['url', 'all', which, '--print']);
  t.match(await url('1'), {
    code: 64,
    stdout: '',
    stderr: /is where the host of all listens, no address of this machine; there are 1: remote /,
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
});
