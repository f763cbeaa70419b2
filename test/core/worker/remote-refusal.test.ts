import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { lookAtPath } from '../../../src/core/worker/clients/remote-refusal.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';

/** A table of the kernel: `%pK: %08X %08X %08X %04X %02X %5lu`, then a blank and the path where there is one (net/unix/af_unix.c). */
function tableOf(rows: readonly (readonly [inode: number, path: string | null])[]): string {
  const lines = rows.map(([inode, path]) => {
    const end = path === null ? '' : ` ${path}`;
    return `0000000000000000: 00000002 00000000 00010000 0001 01 ${String(inode).padStart(5)}${end}\n`;
  });
  return `Num       RefCount Protocol Flags    Type St Inode Path\n${lines.join('')}`;
}

/** Has a shell look at a socket file of this user; whether it is still there. */
async function look(t: Owner, name: string, table: (path: string) => string): Promise<boolean> {
  const dir = makeTemp(t);
  const path = join(dir, name);
  const server = createServer().listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const sockets = join(dir, 'table');
  writeFileSync(sockets, table(path));
  const uid = `${process.getuid?.()}\n`;
  const said = execFileSync('sh', ['-s'], { input: lookAtPath(path, sockets), encoding: 'utf8' });
  const there = existsSync(path);
  // A process is named only where one listens.
  if (said !== uid + (there ? uid : 'left\n')) throw new Error(`it said ${JSON.stringify(said)}`);
  return there;
}

test('a socket where somebody listens stays, whatever its number and its name; one where nobody does is removed', async (t) => {
  for (const name of ['s', 'a b', ' a', 'b ', "it's 7 $x", 'a  b']) {
    for (const inode of [7, 9_999, 10_000, 123_456_789]) {
      const others = [
        [3, null],
        [8, '/run/other'],
        [12_345, '@abstract name'],
      ] as const;
      t.ok(await look(t, name, (path) => tableOf([...others, [inode, path]])), `"${name}" ${inode}`);
      t.notOk(await look(t, name, (path) => tableOf([...others, [inode, `${path}x`], [inode, `/x ${path}`]])), name);
    }
    t.ok(await look(t, name, () => readFileSync('/proc/net/unix', 'utf8')), `"${name}" as this kernel shows it`);
  }
});
