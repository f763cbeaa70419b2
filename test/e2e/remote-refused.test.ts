import { test } from 'tap';
import { startContainer } from '../fixtures/container.ts';
import { startDaemon } from './daemon.ts';

test('a listener that its host cannot have is no policy: it is told why, tried again, and costs no login', async (t) => {
  const container = await startContainer(t, { config: ['GatewayPorts=clientspecified'] });
  const table: readonly (readonly [string, string, RegExp])[] = [
    [
      'foreign',
      '192.0.2.1:9000',
      /does not listen on 192\.0\.2\.1, which is probably no address of it; choose one that/,
    ],
    ['missing', 'unix:/tmp/missing/s', /has no folder \/tmp\/missing that this user can see; make it there, or choose/],
    ['shut', 'unix:/etc/s', /^this user cannot write to \/etc of .*; let it there, or choose another path/],
  ];
  const relays = table.map(([name, listen]) => [
    name,
    { host: 'test', forwards: [{ kind: 'remote', listen, target: '127.0.0.1:9', expose: true }] },
  ]);
  const daemon = await startDaemon(t, container, Object.fromEntries(relays));
  for (const [name, , message] of table) {
    const { standing } = await daemon.reach(name, 'degraded');
    t.match(standing.fault, { code: 'LISTEN_UNAVAILABLE', message }, name);
    t.match(standing.fault, { message: /; it is tried again every 2 s$/ }, name);
  }
  await container.exec('mkdir -m 777 /tmp/missing');
  await daemon.reach('missing', 'connected');
  t.equal(container.log().match(/Accepted publickey/g)?.length, table.length, 'a link for each, and no more');
});

test('where a host could listen and does not, that is its policy; below port 1024 nobody can tell', async (t) => {
  const container = await startContainer(t, { config: ['AllowTcpForwarding=no', 'AllowStreamLocalForwarding=no'] });
  const forward = (listen: string) => ({
    host: 'test',
    forwards: [{ kind: 'remote', listen, target: '127.0.0.1:9', expose: true }],
  });
  const table = [
    ['loopback', '127.0.0.1:9000'],
    ['any', '0.0.0.0:9001'],
    ['chosen', '0'],
    ['socket', 'unix:/tmp/s'],
  ] as const;
  const relays = { low: forward('80'), ...Object.fromEntries(table.map(([name, listen]) => [name, forward(listen)])) };
  const daemon = await startDaemon(t, container, relays);
  for (const [name] of table) {
    const { standing } = await daemon.reach(name, 'blocked');
    const rule =
      name === 'socket' ? /check AllowStreamLocalForwarding and/ : /check AllowTcpForwarding, PermitListen and/;
    t.match(standing.fault, { code: 'FORWARDING_REFUSED', message: rule }, name);
  }
  const low = /does not listen on port 80, and most hosts let only root do so below 1024; choose one from 1024 on/;
  t.match((await daemon.reach('low', 'degraded')).standing.fault, { code: 'LISTEN_UNAVAILABLE', message: low });
});
