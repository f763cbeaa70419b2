/** same-user: only programs of your own user may connect through the relay, though every user can reach 127.0.0.1. */
import { readFile } from 'node:fs/promises';
import { definePlugin, Fault } from '../plugin.ts';

/** Which uid owns the client's end of a loopback connection; null when the kernel does not list it. */
async function ownerOf(port: number, to: number): Promise<number | null> {
  const hex = (value: number) => `:${value.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8')).split('\n')) {
      const field = line.trim().split(/\s+/);
      if (field[1]?.endsWith(hex(port)) && field[2]?.endsWith(hex(to))) return Number(field[7]);
    }
  }
  return null;
}

export default definePlugin({
  name: 'same-user',
  relay() {
    const uid = process.getuid?.();
    if (process.platform !== 'linux' || uid === undefined) {
      throw new Fault('PLUGIN_FAILED', 'plugin same-user reads /proc/net/tcp and works on Linux only; remove it here');
    }
    return {
      async admit({ from, to }) {
        // A Unix socket has file permissions for this.
        if (from === null || to === null) return true;
        const owner = await ownerOf(from.port, to.port);
        return (
          owner === uid ||
          `its port ${from.port} belongs to ${owner === null ? 'nobody known' : `uid ${owner}`}, not to uid ${uid}`
        );
      },
    };
  },
});
