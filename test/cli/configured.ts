import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { homeOf } from '../fixtures/cli.ts';
import { freePort } from '../fixtures/port.ts';
import type { Owner } from '../fixtures/temp.ts';

/** A config whose host refuses: the daemon runs, its relay waits. Answers the listening port. */
export async function configure(t: Owner, relay: Readonly<Record<string, unknown>> = {}): Promise<number> {
  const [ssh, port] = [await freePort(), await freePort()];
  const dev = { host: `me@127.0.0.1:${ssh}`, forwards: [`${port}:127.0.0.1:1`], ...relay };
  writeFileSync(join(homeOf(t), 'towline.json'), JSON.stringify({ relays: { 'dev-box': dev } }), { mode: 0o600 });
  return port;
}
