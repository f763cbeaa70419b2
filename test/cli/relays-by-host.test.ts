import { test } from 'tap';
import { relaysByHost } from '../../src/cli/relays-by-host.ts';
import type { RelayConfig } from '../../src/core/model/config.ts';
import type { DetectedHost } from '../../src/core/ssh/hosts/detect.ts';
import { parseConfig } from '../../src/core/config/parse.ts';

function relays(hosts: readonly string[]): readonly RelayConfig[] {
  const named = hosts.map((host, index) => [`r${index}`, { host, forwards: [`0:h:${index + 1}`] }]);
  const checked = parseConfig(Buffer.from(JSON.stringify({ relays: Object.fromEntries(named) })), '/x/a.json', '/');
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.config.relays;
}

test('a relay uses the alias or the known host that it names, whoever logs in', (t) => {
  const find = relaysByHost(
    relays(['box', 'me@box:99', '10.0.0.7', 'ml@10.0.0.7:22', '10.0.0.7:2222', '[::1]:24', 'Db.Example']),
  );
  const used = (source: DetectedHost['source'], host: string) => {
    const reaches = { address: '', through: [], via: [], command: false };
    return find({ name: host, host, source, places: [], reaches, key: { state: 'none', types: [] } });
  };
  t.strictSame(used('ssh_config', 'box'), ['r0', 'r1']);
  t.strictSame(used('known_hosts', '10.0.0.7'), ['r2', 'r3']);
  t.strictSame(used('known_hosts', '10.0.0.7:2222'), ['r4']);
  t.strictSame(used('known_hosts', '[::1]:24'), ['r5']);
  t.strictSame(used('known_hosts', 'db.example'), ['r6']);
  t.strictSame(used('ssh_config', 'other'), []);
  t.end();
});
