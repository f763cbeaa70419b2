import { spawnSync } from 'node:child_process';
import { noNamespaces } from '../../test/fixtures/namespace.ts';

/** What firewalls do here must happen nowhere else: runs this program once more, in a network of its own, and ends with it. */
export function enterOwnNetwork(): void {
  if (process.env['TOWLINE_BENCH_NETWORK'] === 'own') return;
  if (noNamespaces !== false) {
    process.stderr.write(`faults are made in a network of their own, which ${noNamespaces}\n`);
    process.exit(69);
  }
  const again = [
    '--net',
    'sh',
    '-c',
    'ip link set lo up && exec "$@"',
    'sh',
    process.execPath,
    ...process.argv.slice(1),
  ];
  const env = { ...process.env, TOWLINE_BENCH_NETWORK: 'own' };
  process.exit(spawnSync('unshare', again, { stdio: 'inherit', env }).status ?? 1);
}
