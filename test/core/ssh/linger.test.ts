import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Test, test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { startRoads } from '../../fixtures/roads.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const run = promisify(execFile);

const unwanted = new Fault('LINK_LOST', 'the attempt was given up; nothing to do');

/** What counts for fail2ban. */
const gone = /^Connection .*\[preauth\]/m;

/** Gives a login up in the middle of its key exchange, on a road that is long enough for it; how it ended for who counts logins. */
async function giveUp(t: Test, linger: number) {
  const sshd = await startSshd(t);
  const { sshConfigFile, road } = await startRoads(t, sshd, ['far']);
  road.far.add({ kind: 'latency', latency: 100 });
  const stop = new AbortController();
  const ends: unknown[] = [];
  const link = openTestLink(
    t,
    { sshConfigFile },
    {
      host: 'far',
      over: {
        signal: stop.signal,
        linger,
        permit: async () => ({ spare: 3, reached: () => undefined, done: (end) => ends.push(end) }),
        onStage: (stage) => {
          if (stage === 'key exchange') stop.abort(unwanted);
        },
      },
    },
  );
  await t.rejects(link, unwanted);
  // sshd may not have begun with what is cut so early, and what a session says comes after it has gone
  await sshd.waitForLog(/^(Connection|Disconnected|Received disconnect) /m);
  await waitUntil('sshd has seen its end', () => sshd.sessions().length === 0);
  return { ends, log: sshd.log() };
}

test('a login that is not wanted any more is ended politely: what is broken off would count against this address', async (t) => {
  const { ends, log } = await giveUp(t, 5_000);
  t.same(ends, [null]);
  t.match(log, /Accepted publickey/);
  t.notMatch(log, gone);
});

test('one that waits for a person is broken off at once, and counts', async (t) => {
  const sshd = await startSshd(t);
  sshd.revokeKeys();
  const stop = new AbortController();
  const ends: unknown[] = [];
  const encrypted = join(makeTemp(t, 'key'), 'id');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', encrypted]);
  sshd.allowKey(readFileSync(`${encrypted}.pub`, 'utf8'));
  const link = openTestLink(t, sshd, {
    edit: () => ({ identityFiles: [encrypted] }),
    ask: (_question, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        stop.abort(unwanted);
      }),
    over: {
      signal: stop.signal,
      linger: 5_000,
      permit: async () => ({ spare: 3, reached: () => undefined, done: (end) => ends.push(end) }),
    },
  });
  await t.rejects(link, unwanted);
  t.same(ends, ['cancelled']);
});

test('one that may not linger, or lingers for too long, is broken off, and counts', async (t) => {
  for (const linger of [0, 50]) {
    const { ends, log } = await giveUp(t, linger);
    t.same(ends, ['cancelled'], `${linger} ms`);
    t.notMatch(log, /Accepted publickey/);
    t.match(log, gone);
  }
});
