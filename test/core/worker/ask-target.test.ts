import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerChannel } from 'ssh2';
import { test } from 'tap';
import type { HealthConfig } from '../../../src/core/model/config.ts';
import { Secret } from '../../../src/core/model/secret.ts';
import type { Link } from '../../../src/core/ssh/link/link.ts';
import { askTarget, type Asked } from '../../../src/core/worker/backing/ask-target.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startRogue } from '../../fixtures/rogue-server.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

const target = { kind: 'tcp', host: '127.0.0.1', port: 9 } as const;
const nobody: Asked = { backend: null, verify: null, guests: null };
const door = { kind: 'http', path: '/', wire: { in: 'query', name: 'token' } } as const;
const backend = { relay: 'r', door, token: new Secret('tk-5f0a3c9e1b7d'), byHand: false };

/** A link over which a connection to a target is made when `open` is called: as where its host drops all packets. */
async function holdBack(t: Owner): Promise<{ link: Link; open: Promise<() => ServerChannel> }> {
  let asked: (open: () => ServerChannel) => void = () => undefined;
  const open = new Promise<() => ServerChannel>((resolve) => {
    asked = resolve;
  });
  const server = await startRogue(t, {
    welcome: (client) => {
      client.removeAllListeners('tcpip');
      client.on('tcpip', (accept) => asked(accept));
    },
  });
  return { link: await openTestLink(t, server), open };
}

function check(link: Link, kind: HealthConfig['kind'], timeout: number, asked: Asked = nobody): Promise<string> {
  const health: HealthConfig = { kind, path: '/', status: null, body: null, every: 1_000, timeout, rise: 1, fall: 1 };
  const forward = { kind: 'local', listen: target, target, health } as const;
  return askTarget(link, forward, asked, new AbortController().signal).then(
    () => 'well',
    ({ code, message }) => `${code} ${message}`,
  );
}

for (const kind of ['tcp', 'http', 'websocket', 'backend'] as const) {
  test(`a ${kind} check of a target that never accepts ends with its timeout, not with the deadline of a channel`, async (t) => {
    const { link, open } = await holdBack(t);
    const asked = kind === 'backend' ? { ...nobody, backend } : nobody;
    t.match(await check(link, kind, 300, asked), /^PROBE_FAILED 127\.0\.0\.1:9 did not accept within 0\.3 s; look at/);
    const channel = (await open)();
    channel.resume();
    await within('nobody wants it any more', once(channel, 'close'));
  });
}

for (const kind of ['http', 'websocket'] as const) {
  test(`a ${kind} check has its timeout once, for connection and answer together`, async (t) => {
    const { link, open } = await holdBack(t);
    const began = performance.now();
    const checked = check(link, kind, 1_500);
    const accept = await open;
    await sleep(1_000);
    accept().resume();
    t.match(await checked, /^PROBE_FAILED 127\.0\.0\.1:9 gave no (?:WebSocket )?answer within 1\.5 s; look at/);
    const took = performance.now() - began;
    t.ok(took > 1_400 && took < 2_300, `${Math.round(took)} ms`);
  });
}
