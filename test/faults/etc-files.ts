import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import type { Stage } from './link-scene.ts';

/** Puts a file of the test's own in the place of one of /etc, for this namespace only. */
export async function replaceFile(t: Owner, { namespace }: Stage, path: string, text: string): Promise<string> {
  const file = join(makeTemp(t, 'etc'), 'file');
  writeFileSync(file, text, { mode: 0o644 });
  await namespace.run('mount', '--bind', file, path);
  return file;
}

/** The host `test` is called so from now on. */
export function rename({ sshd }: Stage, name: string): void {
  const text = readFileSync(sshd.sshConfigFile, 'utf8').replace(
    'HostName 127.0.0.1',
    `HostName ${name}\n  HostKeyAlias ${name}`,
  );
  writeFileSync(sshd.sshConfigFile, text);
  writeFileSync(sshd.knownHostsFile, sshd.hostKeys.map((key) => `${name} ${key}\n`).join(''));
}
