import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noNamespaces } from '../../test/fixtures/namespace.ts';

/** A name with one address. */
export const plainName = 'plain.bench.example';
/** A name whose first address is of IPv6. */
export const twofoldName = 'twofold.bench.example';

const own = { network: 'TOWLINE_BENCH_NETWORK', hosts: 'TOWLINE_BENCH_HOSTS' };
const script = `ip link set lo up && mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/resolv.conf" /etc/resolv.conf && shift && exec "$@"`;

/** What firewalls and name servers do here must happen nowhere else: runs this program once more, in a network of its own, and ends with it. */
export function enterOwnNetwork(): void {
  if (process.env[own.network] === 'own') return;
  if (noNamespaces !== false) {
    process.stderr.write(`faults are made in a network of their own, which ${noNamespaces}\n`);
    process.exit(69);
  }
  const dir = mkdtempSync(join(tmpdir(), 'bench-names-'));
  const hosts = join(dir, 'hosts');
  writeFileSync(hosts, hostsText(true));
  // Nobody listens there: whoever asks is refused at once.
  writeFileSync(join(dir, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  const again = ['--net', '--mount', 'sh', '-c', script, 'sh', dir, process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, [own.network]: 'own', [own.hosts]: hosts };
  const { status } = spawnSync('unshare', again, { stdio: 'inherit', env });
  rmSync(dir, { recursive: true });
  process.exit(status ?? 1);
}

/** Whether the plain name resolves from now on. */
export function resolvePlainName(resolves: boolean): void {
  writeFileSync(process.env[own.hosts] ?? '', hostsText(resolves));
}

function hostsText(plain: boolean): string {
  const lines = ['127.0.0.1 localhost', `::1 ${twofoldName}`, `127.0.0.1 ${twofoldName}`];
  return [...lines, ...(plain ? [`127.0.0.1 ${plainName}`] : []), ''].join('\n');
}
