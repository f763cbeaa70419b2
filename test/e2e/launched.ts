import { BACKEND_COMMAND, type SshContainer } from '../fixtures/container.ts';
import { runTowline } from '../fixtures/cli.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startDaemon, type TestDaemon } from './daemon.ts';

// Work that goes on beside the backend shows that nobody ended it; $$ is the pid of the shell that becomes the backend.
const command = `(while :; do echo $$ >>ticks; sleep 0.1; done) & exec ${BACKEND_COMMAND} serve --port={port}`;
const relaysTo = (options: object) => ({
  r: {
    host: 'test',
    settle: '0s',
    forwards: ['0:backend'],
    plugins: [{ use: 'launch', recipe: 'mains', command, ...options }],
  },
});
export const relays = relaysTo({});

const live =
  'for p in /proc/[0-9]*; do grep -qz ^TOWLINE_RUN= $p/environ 2>/dev/null && tr "\\0" " " <$p/cmdline && echo; done | grep -c "^node .*serve"';

/** How many backends run there. */
export async function backends(container: SshContainer): Promise<number> {
  return Number((await container.exec(live, { user: 'dev' })).stdout.trim());
}

/** What its work has written: the pid of the backend that it belongs to, again and again. */
export async function ticks(container: SshContainer): Promise<readonly number[]> {
  const { stdout } = await container.exec('cat /home/dev/ticks');
  return stdout.trim().split('\n').map(Number);
}

/** Waits until its work has gone on from now. */
export async function worksOn(container: SshContainer): Promise<void> {
  const before = (await ticks(container)).length;
  await waitUntil('its work goes on', async () => (await ticks(container)).length > before);
}

/** The pid that the backend itself tells a client of the relay. */
export async function saidPid(daemon: TestDaemon): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${await daemon.port('r')}/`);
  const text = await answer.text();
  return Number(/I am process (\d+)/.exec(text)?.[1] ?? `not in "${text}"`);
}

/** Waits until nothing of any backend runs there any more; looks each 20 ms, without a new command for each look. */
export async function untilAllEnded(container: SshContainer): Promise<void> {
  const any = 'grep -qsz ^TOWLINE_RUN= /proc/[0-9]*/environ';
  const { code } = await container.exec(
    `n=0; while ${any}; do n=$((n + 1)); [ $n -lt 1000 ] || exit 1; sleep 0.02; done`,
    {
      user: 'dev',
    },
  );
  if (code !== 0) throw new Error('something of a backend still runs');
}

export async function up(
  t: Owner,
  container: SshContainer,
  options: object = {},
): Promise<{ daemon: TestDaemon; run: string }> {
  const daemon = await startDaemon(t, container, relaysTo(options));
  return { daemon, run: await runOf(daemon) };
}

export async function runOf(daemon: TestDaemon): Promise<string> {
  const { standing, lanes } = await daemon.reach('r', 'connected', 60_000);
  if (!standing.verified) throw new Error('connected, but the backend was not asked');
  return lanes[0]?.backend?.run ?? 'no run';
}

/** Does what ends the link, and waits for the next one. */
export async function anotherLink(daemon: TestDaemon, end: () => Promise<unknown>): Promise<void> {
  const since = async () => {
    const state = (await daemon.status('r')).lanes[0]?.state;
    return state?.at === 'up' ? state.since : null;
  };
  const before = await since();
  await end();
  await waitUntil('another link', async () => ![null, before].includes(await since()), { timeout: 30_000 });
}

export async function tokenOf(t: Owner): Promise<string> {
  const { stdout } = await runTowline(t, ['token', 'r', '--print']);
  return stdout.trim();
}
