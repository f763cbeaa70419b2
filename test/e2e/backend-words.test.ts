import { type Test, test } from 'tap';
import { runTowline } from '../fixtures/cli.ts';
import { startContainer } from '../fixtures/container.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startDaemon } from './daemon.ts';

/** What a terminal would obey, or would show in another order: controls, and marks of direction. */
const raw = /[^\P{C}\n]/u;

/** NUL, CR, a title, BEL, a colour, ESC alone, CSI of eight bits, an override, and bytes that are no UTF-8. */
const words = String.raw`nul\0 one\rtwo \033]0;title\007bel\007 \033[31mred\033[2J esc\033\ncsi\302\233m rtl\342\200\256 bad\377\376\n`;
const shown = ['nul\\x00 one', 'two bel\\x07 red esc\\x1b', 'csi\\x9bm rtl\\u{202e} bad\ufffd\ufffd'];

test('nothing that a backend prints reaches the terminal as it is', async (t) => {
  const container = await startContainer(t);
  const daemon = await startDaemon(t, container, {
    r: {
      host: 'test',
      forwards: ['0:backend'],
      plugins: [{ use: 'launch', command: `printf '${words}'; exec sleep 1000`, port: 8787, deadline: '3s' }],
    },
  });
  await daemon.reach('r', 'connecting');
  const says = async (text: string) =>
    JSON.stringify(await daemon.status('r')).includes(JSON.stringify(text).slice(1, -1));
  await waitUntil('its last line', () => says(shown[2] ?? ''));
  const sheet = await seen(t, 'status', 'r');
  t.match(sheet.replace(/\n +/g, ' '), shown[2]);
  await seen(t, 'status');
  await waitUntil('its fault', () => says(shown.map((line) => `"${line}"`).join(', ')), { timeout: 30_000 });
  t.match((await seen(t, 'status', 'r')).replace(/\n +/g, ' '), shown.map((line) => `"${line}"`).join(', '));
  const table = await seen(t, 'status');
  t.match(`${table}${await seen(t, 'logs', 'r')}`, shown[2]);
  await seen(t, 'status', 'r', '--json');

  t.equal(await seen(t, 'backend', 'logs', 'r'), `nul\\x00 one\\rtwo bel\\x07 red esc\\x1b\n${shown[2]}\n`);
  const [{ lines }] = JSON.parse(await seen(t, 'backend', 'logs', 'r', '--json'));
  t.same(
    lines,
    ['nul\0 one\rtwo bel\u0007 red esc\u001b', 'csi\u009bm rtl\u202e bad\ufffd\ufffd'],
    'the same for programs',
  );
  t.match(await seen(t, 'backend', 'ps', 'r'), 'printf');
  t.notMatch(daemon.cli.stdout() + daemon.cli.stderr(), raw);
});

/** What a command prints; nothing raw is in it. */
async function seen(t: Test, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTowline(t, args);
  t.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  t.notMatch(stdout + stderr, raw, args.join(' '));
  return stdout;
}
