import { performance } from 'node:perf_hooks';
import type { Test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { endBackend } from '../../../src/plugins/launch/manage.ts';
import { killRun, type LaunchHost, pidsOf, recordedRun } from '../../fixtures/launch-host.ts';
import { launching } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';

// What a launched backend may do wrong, on whatever host it is: an sshd of this machine, or one in a container. Each scene has names of
// its own, so that a host may be shared.

/** What says its address and its token on its output. */
export const recipe = {
  prints: 'listening on ws://[^\\s:]+:(\\d+)',
  token: { from: 'output', pattern: 'pairing token: (\\S+)', none: 'no pairing' },
};

/** F78 */
export async function comesLate(t: Test, host: LaunchHost): Promise<void> {
  const { up, progress } = await launching(t, await openTestLink(t, host), {
    name: 'late',
    command: `echo "pairing token: not-yet-the-12one"; echo "building 1 of 2"; sleep 2; exec ${host.backend} serve --port={port}`,
    recipe: { ...recipe, token: { ...recipe.token, pattern: 'pairing token: (real-\\S+)' } },
    env: { MAINS_SERVE_TOKEN: 'real-token' },
  });
  t.equal((await up()).token?.reveal(), 'real-token');
  t.ok(progress.includes('building 1 of 2'), String(progress));
  t.notMatch(progress.join(), /not-yet|real-token/);
}

/** F79 */
export async function neverComes(t: Test, host: LaunchHost): Promise<void> {
  const link = await openTestLink(t, host);
  const waiting = 'echo "first"; printf "\\033[31mwaiting for token=abc123\\033[0m\\r\\n"; exec sleep 1000';
  const keep = await launching(t, link, { command: waiting, port: await freePort(), deadline: '10s', name: 'kept' });
  const fault = await keep.up().then(() => new Fault('INTERNAL', 'it was ready'), Fault.from);
  t.match(fault, { code: 'LAUNCH_TIMEOUT' });
  t.match(
    fault.message,
    /^the backend kept was not ready: nothing of it listens on port \d+ in \d+ s; last output: "first", "waiting for token=\[secret\]";/,
  );
  t.equal((await pidsOf(host, await recordedRun(host, 'kept'))).length, 1);

  // The deadline of the hook itself is told in the same way.
  const over = new AbortController();
  const progress = (text: string) => {
    if (text.startsWith('waiting')) over.abort(new Fault('LAUNCH_TIMEOUT', 'the hook took too long'));
  };
  await t.rejects(keep.up({ signal: over.signal, progress }), {
    code: 'LAUNCH_TIMEOUT',
    message: /last output: "first"/,
  });
  const lost = new AbortController();
  const up = keep.up({ signal: lost.signal });
  lost.abort(new Fault('LINK_LOST', 'the link is gone'));
  await t.rejects(up, { code: 'LINK_LOST' });

  const none = await launching(t, link, {
    command: `exec ${host.backend} http --port={port}`,
    recipe,
    deadline: '15s',
    late: 'stop',
    name: 'ended',
  });
  await t.rejects(none.up(), {
    code: 'LAUNCH_TIMEOUT',
    message:
      /^the backend ended listens, but nothing that it printed in \d+ s, on standard output or standard error, matches the token pattern \/pairing token: \(\\S\+\)\/; last output: "http listening.*"; correct "recipe\.token\.pattern" /,
  });
  const ended = await recordedRun(host, 'ended');
  t.same(await pidsOf(host, ended), [], 'it has ended before that is told: who tries again adopts no dying one');
}

/** F80, F83 */
export async function printsInDisguise(t: Test, host: LaunchHost): Promise<void> {
  const link = await openTestLink(t, host);
  const say = 'printf "pairing to"; sleep 0.3; printf "\\033[1mken: fir"; sleep 0.3; printf "st\\033[0m\\nx\\n"';
  const twice = await launching(t, link, {
    name: 'twice',
    command: `{ ${say}; echo "pairing token: second"; } >&2; sleep 0.3; exec ${host.backend} http --port={port}`,
    recipe,
  });
  t.equal((await twice.up()).token?.reveal(), 'second');
  t.match(twice.warnings, [/^the backend twice: it printed another token; the last one counts/]);
}

/** F80 */
export async function printsTwoAddresses(t: Test, host: LaunchHost): Promise<void> {
  const link = await openTestLink(t, host);
  const say = (port: string, token: string) => `echo "see http://127.0.0.1:${port}/?token=${token}"`;
  const token = { from: 'output', pattern: '[?&]token=(\\w+)' };
  const launch = (name: string, first: string, second: string) =>
    launching(t, link, {
      name,
      command: `${first}; sleep 0.3; ${second}; exec ${host.backend} http --port={port}`,
      recipe: { token },
    });
  const same = await launch('same', say('{port}', 'first'), say('{port}', 'second'));
  t.equal((await same.up()).token?.reveal(), 'second');
  t.match(same.warnings, [/^the backend same: it printed another token; the last one counts/]);
  const other = await launch('other', say('{port}', 'first'), say('1', 'second'));
  t.equal((await other.up()).token?.reveal(), 'first');
  t.match(other.warnings, [/^the backend other: it printed another token for another address; the first one counts/]);
}

/** F84 */
export async function endsAtOnce(t: Test, host: LaunchHost): Promise<void> {
  const link = await openTestLink(t, host);
  const cases = [
    [
      'echo one; echo "it broke \\033]0;title\\007" >&2; exit 3',
      /^the backend brief ended with exit code 3 before it was ready; last output: "one", "it broke"; /,
    ],
    ['kill -9 $$', /^the backend brief was ended by signal 9 before it was ready; /],
    [
      'no-such-program-here',
      /exit code 127 .*: no-such-program-here: not found"; the shell did not find no-such-program-here: "shell": "login" .*; `towline backend logs brief` shows more$/,
    ],
    [
      'exec /opt/no-such-2026/server/bin/no-such-program-here',
      /exit code 127 .*; there is no file \/opt\/no-such-2026\/server\/bin\/no-such-program-here on that host, or not the interpreter .*; correct the command; `towline backend logs/,
    ],
  ] as const;
  for (const [command, message] of cases) {
    const began = performance.now();
    const { up } = await launching(t, link, { name: 'brief', command, port: 8787 });
    await t.rejects(up(), { code: 'LAUNCH_FAILED', message });
    t.ok(performance.now() - began < 20_000, 'it does not wait for the deadline');
  }
}

/** F85 */
export async function goesIntoBackground(t: Test, host: LaunchHost): Promise<void> {
  const link = await openTestLink(t, host);
  const options = { command: `setsid ${host.backend} http --delay=700 --port={port} & exit 0`, name: 'daemon' };
  const first = await launching(t, link, options);
  const backend = await first.up();
  t.match(backend, { adopted: false });
  const again = await (await launching(t, link, options)).up();
  t.match(again, { adopted: true, run: backend.run, target: backend.target });
  await killRun(host, backend.run);
  t.match(await first.up(), { adopted: false });

  const { port } = await host.squat(t);
  const command = `echo "listening on ws://localhost:${port}"`;
  const left = await launching(t, link, { name: 'left', command, recipe });
  await t.rejects(left.up(), {
    code: 'LAUNCH_FAILED',
    message: new RegExp(
      `^the launcher of left ended with exit code 0, and port ${port} answers, but by a process of uid`,
    ),
  });
  const other = await freePort();
  const none = await launching(t, link, { name: 'none', command: 'true', port: other });
  await t.rejects(none.up(), { code: 'LAUNCH_FAILED', message: new RegExp(`port ${other} does not answer`) });
}

/** F87 */
export async function leavesOrphans(t: Test, host: LaunchHost): Promise<void> {
  const link = await openTestLink(t, host);
  const command = `sleep 1000 & exec ${host.backend} http --port={port}`;
  const { up, host: remote } = await launching(t, link, { name: 'orphans', command });
  const { run, says } = await up();
  const main = Number(/^pid (\d+)/.exec(says)?.[1]);
  const orphans = (await pidsOf(host, run)).filter((pid) => pid !== main);
  t.equal(orphans.length, 1);
  await killRun(host, run, [main]);
  await t.rejects(up(), {
    code: 'LAUNCH_FAILED',
    message: new RegExp(
      `^the backend orphans is gone, but processes of it are left \\(pid ${orphans[0]} sleep\\) .*\`towline backend stop orphans\` ends them`,
    ),
  });
  t.same(await pidsOf(host, run), orphans);
  t.match(await endBackend(remote, 'orphans', { forGood: false }), { was: 'ended', left: [] });
  t.same(await pidsOf(host, run), []);
  t.match(await up(), { adopted: false });
}

/** F89 */
export async function ignoresTerm(t: Test, host: LaunchHost): Promise<void> {
  const { up, host: remote } = await launching(t, await openTestLink(t, host), {
    name: 'stubborn',
    command: `trap '' TERM; sleep 1000 & exec ${host.backend} http --port={port}`,
  });
  const { run } = await up();
  t.equal((await pidsOf(host, run)).length, 2);
  const began = performance.now();
  t.match(await endBackend(remote, 'stubborn', { forGood: true }), { was: 'ended', left: [] });
  const took = performance.now() - began;
  t.comment(`measured F89 from TERM to the end of its group ${Math.round(took)} ms`);
  t.ok(took > 4_500, 'TERM had its time');
  t.ok(took < 20_000, 'KILL followed');
  t.same(await pidsOf(host, run), []);
  await t.rejects(up(), { code: 'BACKEND_STOPPED', message: /`towline restart box` starts it again/ });
  t.match(await up({ forced: true }), { adopted: false });
  t.match(await up(), { adopted: true });
}
