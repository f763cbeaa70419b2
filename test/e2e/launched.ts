import { BACKEND_COMMAND, type SshContainer } from '../fixtures/container.ts';
import { runTowline } from '../fixtures/cli.ts';
import type { Owner } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { startDaemon, type TestDaemon } from './daemon.ts';

// Work that goes on beside the backend shows that nobody ended it.
const command = `(while :; do echo tick >>ticks; sleep 0.1; done) & exec ${BACKEND_COMMAND} serve --port={port}`;
export const relays = {
  r: {
    host: 'test',
    settle: '0s',
    forwards: ['0:backend'],
    plugins: [{ use: 'launch', recipe: 'mains', command }],
  },
};

const live =
  'for p in /proc/[0-9]*; do grep -qz ^TOWLINE_RUN= $p/environ 2>/dev/null && tr "\\0" " " <$p/cmdline && echo; done | grep -c "^node .*serve"';

/** How many backends run there. */
export async function backends(container: SshContainer): Promise<number> {
  return Number((await container.exec(live, { user: 'dev' })).stdout.trim());
}

export async function ticks(container: SshContainer): Promise<number> {
  return Number((await container.exec('wc -l </home/dev/ticks')).stdout.trim());
}

export async function up(t: Owner, container: SshContainer): Promise<{ daemon: TestDaemon; run: string }> {
  const daemon = await startDaemon(t, container, relays);
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
