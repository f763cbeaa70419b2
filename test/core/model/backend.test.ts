import { test } from 'tap';
import { keptForwards } from '../../../src/core/model/backend.ts';
import type { ForwardConfig } from '../../../src/core/model/config.ts';
import type { Endpoint, Target } from '../../../src/core/model/endpoint.ts';

const tcp = (port: number): Endpoint => ({ kind: 'tcp', host: '127.0.0.1', port });
const local = (target: Target): ForwardConfig => ({ kind: 'local', listen: tcp(0), target, health: null });
const socks: ForwardConfig = { kind: 'dynamic', listen: tcp(0), target: null, health: null };
const back: ForwardConfig = { kind: 'remote', listen: tcp(0), target: tcp(8787), health: null };
const backend = local({ kind: 'backend' });

test('nobody is led to who may listen in the place of a backend that did not come', (t) => {
  const forwards = [local(tcp(8787)), local(tcp(5432)), socks, back];
  const rows: readonly (readonly [
    string,
    readonly ForwardConfig[],
    Endpoint | null,
    boolean,
    number | null,
    number[],
  ])[] = [
    ['named by "backend"', [...forwards, backend], null, true, null, [4]],
    ['where it listened before', forwards, tcp(8787), true, null, [0]],
    ['the port that its plugin names', forwards, null, true, 8787, [0]],
    ['that port, and by its name', [...forwards, backend], null, true, 8787, [0, 4]],
    ['nobody knows which', forwards, null, true, null, [0, 1]],
    ['no plugin brings one: only its token is missing', forwards, null, false, null, []],
  ];
  for (const [name, all, known, brought, port, expected] of rows) {
    t.same(keptForwards(all, known, brought, port), expected, name);
  }
  t.end();
});
