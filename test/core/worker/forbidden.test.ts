import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../../src/core/config/load.ts';
import type { RelayConfig } from '../../../src/core/model/config.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { Guests } from '../../../src/core/plugin/guests.ts';
import type { ToSupervisor } from '../../../src/core/protocol.ts';
import { readyForwards } from '../../../src/core/worker/clients/ready-forward.ts';
import { LaneService } from '../../../src/core/worker/lane/lane-service.ts';
import { LaneVoice } from '../../../src/core/worker/lane/lane-voice.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { dial } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

// A server that forbids every forward has its link given up, for only the next session may be allowed more. No other one.

const policy = new Fault('FORWARDING_REFUSED', 'the host lets nobody listen; check PermitListen there');

function relayOf(t: Owner, forwards: readonly string[]): RelayConfig {
  const file = join(makeTemp(t, 'config'), 'towline.json');
  writeFileSync(file, JSON.stringify({ relays: { r: { host: 'test', forwards } } }), { mode: 0o600 });
  const [relay] = loadConfig(file).relays;
  if (relay === undefined) throw new Error('it has no relay');
  return relay;
}

/** What the lane of this relay does with a link, without the lane. */
async function serve(t: Owner, sshd: Sshd, relay: RelayConfig) {
  const link = await openTestLink(t, sshd);
  const said: ToSupervisor[] = [];
  const given: Fault[] = [];
  const say = async (message: ToSupervisor) => void said.push(message);
  const service = new LaneService(relay, new Guests(() => undefined), say, new LaneVoice('r#0', say), {
    unbacked: () => undefined,
    forbidden: (fault) => given.push(fault),
    left: () => undefined,
  });
  t.teardown(() => service.stop(null));
  return { link, said, given, service };
}

test('a remote forward that is bound after all keeps the link, whatever becomes of the others', async (t) => {
  const sshd = await startSshd(t, { config: ['PermitOpen none'] });
  const echo = await startEcho(t);
  const relay = relayOf(t, [`remote:0:127.0.0.1:${echo.port}`, `0:127.0.0.1:${echo.port}`]);
  const ready = readyForwards(relay.forwards, null);
  const backed = { forwards: ready, backend: null, token: null, ask: null, verify: null };
  for (const listens of [true, false]) {
    const { link, said, given, service } = await serve(t, sshd, relay);
    // The other one leads nowhere yet.
    const unready = { ...backed, forwards: ready.map((forward) => (forward?.kind === 'local' ? null : forward)) };
    service.follow({ link, answers: true, backed: unready, waiting: [0], listens });
    service.stumbled(link, policy);
    if (listens) await waitUntil('it listens', () => said.some((message) => message.say === 'bound'));
    service.follow({ link, answers: true, backed, waiting: [], listens });
    const refused = (message: ToSupervisor) => message.say === 'judged' && message.fault?.code === 'FORWARDING_REFUSED';
    await waitUntil('the other one is forbidden', () => given.length > 0 || said.some(refused));
    t.equal(given.length, listens ? 0 : 1);
  }
});

test('a link over which somebody from the other side is joined is not given up', async (t) => {
  const echo = await startEcho(t);
  const port = await freePort();
  const relay = relayOf(t, [`remote:${port}:127.0.0.1:${echo.port}`]);
  const { link, said, given, service } = await serve(t, await startSshd(t), relay);
  service.follow({ link, answers: true, backed: null, waiting: [0], listens: true });
  await waitUntil('it listens', () => said.some((message) => message.say === 'bound'));
  const client = await dial(port);
  t.teardown(() => client.destroy());
  client.write('x');
  await once(client, 'data');
  service.stumbled(link, policy);
  t.same(given, [], 'he is served');
  client.destroy();
  await waitUntil('he has left', () => service.idle);
  service.stumbled(link, policy);
  t.same(given, [policy]);
});
