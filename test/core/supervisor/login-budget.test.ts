import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { Fault, type FaultReport } from '../../../src/core/model/fault.ts';
import { Permits } from '../../../src/core/supervisor/logins/permits.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startLoopback } from '../../fixtures/loopback.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { makeKeyPair } from '../../fixtures/sshd-keys.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

// What a server's log says of a relay that somebody, or something, restarts again and again. fail2ban reads these lines: 5 in 10 min.

/** The lines of sshd's log that fail2ban may count, one for each login. */
function failures(sshd: Sshd): number {
  return new Set(
    [...sshd.log().matchAll(/(?:Failed \w+ for|(?:closed|reset) by) .* port (\d+)/g)].map(([, port]) => port),
  ).size;
}

/** An hour of 1,800 forced asks, one each 2 s; every handshake that is granted is made with a real sshd. When they failed, in s. */
async function hour(
  t: Owner,
  sshd: Pick<Sshd, 'sshConfigFile'>,
  account: (n: number) => string,
  options: Parameters<typeof openTestLink>[2] = {},
): Promise<readonly number[]> {
  let now = 0;
  const permits = new Permits(() => now);
  t.teardown(() => permits.close());
  const failed: number[] = [];
  for (let n = 0; n < 1_800; n += 1) {
    let granted = false;
    const asker = {
      lane: 'r#0',
      account: account(n),
      forced: true,
      attended: () => false,
      grant: () => {
        granted = true;
      },
      withhold: () => undefined,
      recovered: () => undefined,
    };
    permits.ask('h:22', asker);
    if (!granted) permits.withdraw('h:22', asker);
    else {
      const fault = await openTestLink(t, sshd, options).then(
        (): FaultReport | null => null,
        (error: unknown) => Fault.from(error).report(),
      );
      permits.shaken('h:22', asker, fault);
      failed.push(now / 1_000);
    }
    now += 2_000;
  }
  return failed;
}

test('a bad key is refused three times in an hour, though it is asked for each two seconds', async (t) => {
  const sshd = await startSshd(t);
  sshd.revokeKeys();
  const failed = await hour(t, sshd, () => 'the bad key');
  t.comment(
    `measured ${failures(sshd)} refused logins in the log after an hour of 1,800 asks, at ${failed.join(', ')} s`,
  );
  t.equal(failures(sshd), 3);
});

test('keys that change all the time, and are all bad, fail four times in any ten minutes', async (t) => {
  const sshd = await startSshd(t);
  sshd.revokeKeys();
  const failed = await hour(t, sshd, (n) => `key ${n}`);
  const worst = Math.max(...failed.map((from) => failed.filter((at) => at >= from && at < from + 600).length));
  t.comment(`measured ${failures(sshd)} refused logins in the log after an hour, at most ${worst} in ten minutes`);
  t.equal(failures(sshd), failed.length);
  t.equal(failed.length, 24);
  t.equal(worst, 4);
});

test('a key exchange that never ends, as where large packets are lost, is given up four times in any ten minutes', async (t) => {
  const sshd = await startSshd(t);
  const quick = { deadlines: { keyExchange: 50 } };
  // Greetings pass, and what the server sends; nothing else that we send does.
  const { port } = await startLoopback(t, (near, keep) => {
    const far = keep(connect(sshd.port, '127.0.0.1'));
    far.pipe(near);
    near.once('data', (greeting: Buffer) => far.write(greeting.subarray(0, greeting.indexOf('\n') + 1)));
    near.once('close', () => far.destroy());
  });
  const sshConfigFile = join(sshd.dir, 'lossy_config');
  const own = readFileSync(sshd.sshConfigFile, 'utf8').replace(
    `Port ${sshd.port}`,
    `Port ${port}\n  HostKeyAlias lossy`,
  );
  writeFileSync(sshConfigFile, own, { mode: 0o600 });
  await t.rejects(openTestLink(t, { sshConfigFile }, quick), { code: 'KEX_TIMEOUT' });
  // The reason why it counts: what reads that log takes each for an attempt.
  await sshd.waitForLog(/(?:closed|reset) by .* port \d+ \[preauth\]/);
  const failed = await hour(t, { sshConfigFile }, () => 'one key', quick);
  const worst = Math.max(...failed.map((from) => failed.filter((at) => at >= from && at < from + 600).length));
  await waitUntil('all lines', () => failures(sshd) === failed.length + 1);
  t.comment(
    `measured ${failures(sshd)} lines in the log after one and an hour of 1,800 asks, at ${failed.join(', ')} s`,
  );
  t.equal(worst, 4);
});

test('a relay that is restarted in a loop with a bad key, or a key file that is rewritten, stays within the budget and says so', async (t) => {
  const sshd = await startSshd(t);
  const echo = await startEcho(t);
  sshd.revokeKeys();
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'blocked');
  const settle = (id: number) =>
    relays.next(
      'the end of an attempt',
      (event) => event.type === 'lane.changed' && (event.state.at === 'blocked' || event.state.at === 'waiting'),
      id,
    );
  for (let n = 0; n < 10; n += 1) {
    const { id } = relays.supervisor.status();
    await relays.supervisor.restartRelay('r');
    await settle(id);
    await relays.reach('r', 'blocked');
  }
  t.equal(failures(sshd), 3, 'ten restarts');
  t.match(relays.status('r').standing.fault, {
    code: 'AUTH_REJECTED',
    message: /rejected every identity .*; that was the 3rd time in an hour, the next one is at \d\d:\d\d/,
  });
  const { id } = relays.supervisor.status();
  const other = makeKeyPair(join(makeTemp(t, 'other'), 'id'));
  for (const end of ['.pub', '']) copyFileSync(`${other.file}${end}`, `${sshd.keyFile}${end}`);
  await settle(id);
  t.equal(failures(sshd), 4, 'another key is tried at once');
  const before = relays.supervisor.status().id;
  await relays.supervisor.restartRelay('r');
  await settle(before);
  t.match(relays.status('r').standing.fault, {
    code: 'LOGINS_SPENT',
    message:
      /^127\.0\.0\.1:\d+ is left alone until \d\d:\d\d: 4 logins .* wait, and mend the last one meanwhile: .*rejected every/,
  });
  t.equal(failures(sshd), 4);
  t.comment(`measured ${failures(sshd)} refused logins in the log after 11 restarts and a new key`);
  t.comment(relays.status('r').standing.fault?.message ?? '');
  t.ok((relays.status('r').standing.until ?? 0) > Date.now() + 9 * 60_000, 'and until when');
});
