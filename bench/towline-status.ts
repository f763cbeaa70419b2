import { readdirSync } from 'node:fs';
import { request } from 'node:http';
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
