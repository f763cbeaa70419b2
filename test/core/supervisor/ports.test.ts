import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../../src/core/config/load.ts';
import type { RelayConfig } from '../../../src/core/model/config.ts';
import { Ports } from '../../../src/core/supervisor/listeners/ports.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';

const CONFIG = '/etc/towline.json';

function relay(t: Owner, ...forwards: readonly string[]): RelayConfig {
  const file = join(makeTemp(t, 'ports'), 'towline.json');
  writeFileSync(file, JSON.stringify({ relays: { r: { host: 'h', forwards } } }), { mode: 0o600 });
  const [found] = loadConfig(file).relays;
  if (found === undefined) throw new Error('no relay');
  return found;
}

function open(t: Owner, dir: string): Ports {
  return new Ports(dir, CONFIG, (_, text) => t.teardown(() => Promise.reject(new Error(text))));
}

async function settle(ports: Ports, config: RelayConfig): Promise<readonly number[]> {
  const all = await Promise.all(config.forwards.map((_, forward) => ports.settle(config, forward)));
  return all.map((listen) => (listen.kind === 'tcp' ? listen.port : 0));
}

test('a port is that of its forward: one that is removed, added or moved changes no other, over every restart', async (t) => {
  const dir = makeTemp(t, 'state');
  const [one, two] = await settle(open(t, dir), relay(t, '0:a:1', '0:a:2'));
  t.strictSame(await settle(open(t, dir), relay(t, '0:a:2')), [two]);
  t.strictSame(await settle(open(t, dir), relay(t, '0:a:2', '0:a:1')), [two, one]);
  const [other, ...rest] = await settle(open(t, dir), relay(t, '0:a:3', '0:a:1', '0:a:2'));
  t.strictSame(rest, [one, two]);
  t.strictSame(await settle(open(t, dir), relay(t, '0:a:9', '0:a:1', '0:a:2')), [other, one, two], 'another target');
  t.not(other, one);
  t.not(other, two);
  const equal = await settle(open(t, dir), relay(t, '0:b:1', '0:b:1', '4711:c:1'));
  t.equal(new Set(equal).size, 3);
  t.equal(equal[2], 4711);
  t.strictSame(await settle(open(t, dir), relay(t, '0:b:1', '0:b:1')), equal.slice(0, 2));
});

test('ports that were remembered by number are kept', async (t) => {
  const dir = makeTemp(t, 'state');
  const file = join(dir, 'ports.json');
  const foreign = { '/home/other.json#r#0': 20_003, [`${CONFIG}#rr#0`]: 20_004 };
  const old = { [`${CONFIG}#r#0`]: 20_001, [`${CONFIG}#r#2`]: 20_002, ...foreign };
  writeFileSync(file, JSON.stringify(old), { mode: 0o600 });
  const config = relay(t, '0:a:1', '4711:a:2', '0:a:3');
  t.strictSame(await settle(open(t, dir), config), [20_001, 4711, 20_002]);
  t.strictSame(await settle(open(t, dir), relay(t, '0:a:3')), [20_002]);
  t.strictSame(JSON.parse(readFileSync(file, 'utf8')), {
    ...foreign,
    [`${CONFIG}#r#127.0.0.1:0 -> a:1`]: 20_001,
    [`${CONFIG}#r#127.0.0.1:0 -> a:3`]: 20_002,
  });
});

test('a listener that goes on has its port remembered under what it is now', async (t) => {
  const dir = makeTemp(t, 'state');
  const [before, after] = [relay(t, '0:a:1', '0:a:2'), relay(t, '0:a:4', '0:a:3')];
  const ports = open(t, dir);
  const [one = 0, two = 0] = await settle(ports, before);
  ports.keep(after, 0, two);
  ports.keep(after, 1, one);
  t.strictSame(await settle(ports, after), [two, one]);
  t.strictSame(await settle(open(t, dir), after), [two, one]);
  t.equal(Object.keys(JSON.parse(readFileSync(join(dir, 'ports.json'), 'utf8'))).length, 2);
});
