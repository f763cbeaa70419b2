import { readFlag } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';

/** `towline down`: returns when the daemon has ended; the end of its event stream says so. */
export async function down({ given, terminal }: Called): Promise<number> {
  const now = readFlag(given, 'now');
  const client = connect();
  const { id, pid } = await client.status();
  const leaving = new AbortController();
  const events = client.events(id, leaving.signal);
  const ended = drain(events);
  try {
    await client.down(now);
    await ended;
  } finally {
    leaving.abort();
  }
  terminal.say(`the daemon (pid ${pid}) has ended`);
  return 0;
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _event of events) {
    // Only the end is of interest.
  }
}
