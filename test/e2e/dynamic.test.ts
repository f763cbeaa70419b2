import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Event } from '../../src/core/model/event.ts';
import { startRelays } from '../faults/relays.ts';
import { BACKEND_COMMAND, startContainer } from '../fixtures/container.ts';
import { noNamespaces } from '../fixtures/namespace.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { run } from './daemon.ts';

const there = 'only-there.example';
const here = 'only-here.example';

test('a name that a SOCKS client asks for is looked up on the remote host, and never on this one', {
  skip: noNamespaces,
}, async (t) => {
  const container = await startContainer(t);
  // Without a name server: what its file does not have is unknown at once.
  await container.exec(`echo 'hosts: files' >/etc/nsswitch.conf; echo '127.0.0.1 ${there}' >>/etc/hosts`);
  const listens = 'until socat -u OPEN:/dev/null TCP:127.0.0.1:8080 2>/dev/null; do sleep 0.05; done';
  await container.exec(`setsid ${BACKEND_COMMAND} http --port=8080 >/tmp/log 2>&1 </dev/null & ${listens}`);
  // The daemon has a file of its own, in which this name leads where the other one leads there: whoever looks it up here is served.
  const hosts = join(makeTemp(t, 'hosts'), 'hosts');
  writeFileSync(hosts, `127.0.0.1 localhost ${here}\n`, { mode: 0o644 });
  const under = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts];
  const [program = '', ...words] = under;
  const known = (name: string) => execFileSync(program, [...words, 'getent', 'hosts', name], { encoding: 'utf8' });
  t.match(known(here), /^127\.0\.0\.1 /);
  t.throws(() => known(there));
  const relays = await startRelays(t, container, { r: { host: 'test', forwards: ['dynamic:0'] } }, { under });
  const status = await relays.reach('r', 'connected');
  const listen = status.forwards[0]?.listen;
  if (listen?.kind !== 'tcp') throw new Error('no port');
  const ask = (way: string, name: string) => {
    const proxy = `${way}://127.0.0.1:${listen.port}`;
    const url = `http://${name}:8080/status/204`;
    return run('curl', ['-sS', '-m', '20', '-o', '/dev/null', '-w', '%{http_code}', '-x', proxy, url]);
  };
  for (const way of ['socks5h', 'socks4a']) {
    t.match(await ask(way, there), { code: 0, stdout: '204' }, `${way}: ${there}`);
    const at = relays.events.length;
    // 97: the proxy says no.
    t.match(await ask(way, here), { code: 97, stdout: '000' }, `${way}: ${here}`);
    const told = await relays.next('it is told', (event: Event) => event.type === 'connection.refused', at);
    t.match(told, { fault: { message: new RegExp(here) } });
  }
});
