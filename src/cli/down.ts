import { readFlag } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';

/** `towline down`: returns when the daemon has ended; the end of its event stream says so. */
export async function down({ given, terminal }: Called): Promise<number> {
  const now = readFlag(given, 'now');
  const client = connect();
  const { id, pid, relays } = await client.status();
  const leaving = new AbortController();
  const events = client.events(id, leaving.signal);
  const ended = drain(events);
  try {
    await client.down(now);
    await ended;
  } finally {
    leaving.abort();
  }
  const left = relays.some(({ lanes }) => lanes.some(({ backend }) => backend !== null && !backend.withLink));
  terminal.say(
    `the daemon (pid ${pid}) has ended${left ? '; the backends that it launched go on: `towline backend ps`' : ''}`,
  );
  return 0;
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _event of events) {
    // Only the end is of interest.
  }
}
