import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';

/** How many relays a daemon calls connected; asked through its control socket, since a CLI process per question would eat the CPU. */
export async function connectedRelays(runtimeDir: string): Promise<number> {
  const socket = readdirSync(runtimeDir).find((name) => name.endsWith('.sock'));
  if (socket === undefined) return 0;
  const status: unknown = await read(join(runtimeDir, socket), '/v1/status').catch(() => null);
  if (typeof status !== 'object' || status === null || !('relays' in status) || !Array.isArray(status.relays)) return 0;
  return status.relays.filter((relay: { standing?: { word?: unknown } }) => relay.standing?.word === 'connected')
    .length;
}

function read(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { host: 'localhost' }, timeout: 2_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => {
        try {
          resolve(JSON.parse(text));
        } catch (error) {
          reject(error);
        }
      });
    });
    asked.on('error', reject);
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}

/** What a bench needs of an event. */
export interface SeenEvent {
  readonly type: string;
  readonly state?: { readonly at?: string };
}

/** Tells every event of a daemon from now on; what comes back ends that. */
export async function watchEvents(runtimeDir: string, tell: (event: SeenEvent) => void): Promise<() => void> {
  const socket = readdirSync(runtimeDir).find((name) => name.endsWith('.sock'));
  if (socket === undefined) throw new Error(`no daemon has its socket in ${runtimeDir}`);
  const socketPath = join(runtimeDir, socket);
  const status: unknown = await read(socketPath, '/v1/status');
  const last = typeof status === 'object' && status !== null && 'id' in status ? Number(status.id) : 0;
  const asked = request({ socketPath, path: `/v1/events?after=${last}`, headers: { host: 'localhost' } });
  asked.end();
  const [answer]: IncomingMessage[] = await once(asked, 'response');
  if (answer?.statusCode !== 200) throw new Error(`the daemon tells no events: ${answer?.statusCode}`);
  let text = '';
  answer.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) tell(JSON.parse(line.slice(5)));
  });
  answer.on('error', () => undefined);
  return () => asked.destroy();
}
