import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Fault } from '../../../../src/core/model/fault.ts';
import { remoteHost } from '../../../../src/core/ssh/link/remote-host.ts';
import { startEcho } from '../../../fixtures/backend.ts';
import { openTestLink } from '../../../fixtures/link.ts';
import { commandOf, processesWith } from '../../../fixtures/process-tree.ts';
import { startRoads } from '../../../fixtures/roads.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { waitUntil, within } from '../../../fixtures/wait.ts';

test('a script runs with its own input, output and end, and none of it stands in an argument', async (t) => {
  const sshd = await startSshd(t);
  const host = remoteHost(await openTestLink(t, sshd));
  t.match(host.facts, { remote: `${sshd.user}@127.0.0.1:${sshd.port}`, user: sshd.user });
  const end = await host.run(`v='it'"'"'s \\ $HOME !' # 'x'\nread -r line; echo "$v $line"; cat >&2; exit 7`, {
    stdin: 'first\nrest',
  });
  t.same(end, { code: 7, stdout: "it's \\ $HOME ! first\n", stderr: 'rest', late: false });
  t.same(await host.run('cat; echo done'), { code: 0, stdout: 'done\n', stderr: '', late: false });
  t.match(await host.run('kill -TERM $$; sleep 60'), { code: null, late: false });

  const heard: string[] = [];
  const running = host.run(`echo a-word-of-the-script >/dev/null; export IN_TEST=here; sleep 60; :`, {
    onStdout: (chunk) => heard.push(String(chunk)),
    stdin: 'a-word-of-the-input',
    deadline: 1_000,
  });
  await waitUntil('the script', () => processesWith('IN_TEST=here').length > 0);
  const shown = processesWith(`TOWLINE_TEST_SSHD=${sshd.dir}`).map(commandOf);
  t.ok(shown.some((line) => line.includes('dd bs=1')));
  t.notOk(shown.some((line) => line.includes('a-word')));
  t.match(await running, { code: null, late: true });
});

test('the noise of rc files is never part of what a script prints', async (t) => {
  const sshd = await startSshd(t);
  writeFileSync(
    join(sshd.home, '.bashrc'),
    'echo token: fake; printf "no newline"; echo oops >&2; cat /dev/zero | head -c 99999\n',
  );
  const host = remoteHost(await openTestLink(t, sshd));
  t.same(await host.run('echo out; echo err >&2'), { code: 0, stdout: 'out\n', stderr: 'err\n', late: false });
});

test('what comes with time goes in and out at once, and the rest is bounded', async (t) => {
  const host = remoteHost(await openTestLink(t, await startSshd(t)));
  const heard: Buffer[] = [];
  const pieces: ((piece: string) => void)[] = [];
  async function* stdin() {
    for (;;) {
      const piece = await new Promise<string>((resolve) => pieces.push(resolve));
      if (piece === '') return;
      yield piece;
    }
  }
  const say = async (piece: string) => {
    await waitUntil('the next read', () => pieces.length > 0);
    pieces.shift()?.(piece);
  };
  const end = host.run('cat', { stdin: stdin(), most: 5, onStdout: (chunk) => heard.push(chunk) });
  await say('one');
  await waitUntil('the first echo', () => Buffer.concat(heard).toString() === 'one');
  await say('two');
  await waitUntil('the second', () => Buffer.concat(heard).toString() === 'onetwo');
  await say('');
  t.match(await end, { code: 0, stdout: 'onetw' });

  const many = Buffer.alloc(20 * 1024 * 1024, 'x');
  async function* flood() {
    for (let at = 0; at < many.length; at += 65_536) yield many.subarray(at, at + 65_536);
  }
  t.match(await host.run('wc -c', { stdin: flood() }), { stdout: `${many.length}\n` });
});

test('a signal ends a run with its reason, and a lost link with its fault', async (t) => {
  const sshd = await startSshd(t);
  const link = await openTestLink(t, sshd);
  const host = remoteHost(link);
  const stop = new AbortController();
  const begun = new Promise<void>((begin) => {
    const run = host.run('echo on; cat', { stdin: never(), signal: stop.signal, onStdout: () => begin() });
    t.rejects(run, { message: 'enough' });
  });
  await begun;
  stop.abort(new Error('enough'));
  await t.rejects(host.run('true', { signal: stop.signal }), { message: 'enough' });
  await t.rejects(
    host.run('echo x', {
      onStdout: () => {
        throw new Error('a listener failed');
      },
    }),
    { message: 'a listener failed' },
  );
  const run = host.run('kill -9 $PPID; cat', { stdin: never() });
  const fault: Fault = await run.then(
    () => t.fail('it did not end by the link'),
    (error) => error,
  );
  t.ok(['LINK_LOST', 'INTEGRITY_FAILED'].includes(fault.code), fault.message);
  await t.rejects(host.run('true'), { code: fault.code });
});

test('the signal and the deadline of a run count while its session is being opened', async (t) => {
  const sshd = await startSshd(t);
  const roads = await startRoads(t, sshd, ['far']);
  const link = await openTestLink(t, roads, { host: 'far', quicken: false, deadlines: { open: 60_000 } });
  const host = remoteHost(link);
  const release = roads.road.far.add({ kind: 'timeout' }, 'down');
  const stop = new AbortController();
  const stopped = host.run('true', { signal: stop.signal });
  stop.abort(new Error('enough'));
  await t.rejects(within('the end of the one that is not wanted', stopped), { message: 'enough' });
  await t.rejects(within('the end of the late one', host.run('true', { deadline: 200 })), {
    code: 'OPEN_TIMEOUT',
    message: /did not open a command within 0\.2 s/,
  });
  release();
  t.match(await host.run('echo well'), { stdout: 'well\n' }, 'the link lives on');
});

test('a host that runs no commands says what its login shell said', async (t) => {
  for (const [line, said] of [
    [
      'ForceCommand echo "This account is currently not available."',
      /it said "This account is currently not available\."/,
    ],
    ['ForceCommand cat >/dev/null', /it said nothing/],
  ] as const) {
    const sshd = await startSshd(t, { config: [line] });
    const host = remoteHost(await openTestLink(t, sshd, { quicken: false }));
    const end = host.run('echo out', { stdin: 'a-secret', deadline: 1_000 });
    await t.rejects(end, { code: 'REMOTE_REFUSED', message: said });
    await t.rejects(end, { message: /^the login shell of .* did not run the probe/ });
  }
  // It says back whatever it reads: the script, but nothing of the input.
  const sshd = await startSshd(t, { config: ['ForceCommand cat'] });
  const host = remoteHost(await openTestLink(t, sshd, { quicken: false }));
  const echoed: string[] = [];
  await host
    .run('echo out', { stdin: 'a-secret', deadline: 1_000, onStdout: (chunk) => echoed.push(String(chunk)) })
    .catch(() => undefined);
  t.notMatch(echoed.join(''), /a-secret/);
  const none = await startSshd(t, { config: ['MaxSessions 0'] });
  const refusing = remoteHost(await openTestLink(t, none, { quicken: false }));
  await t.rejects(refusing.run('true'), { code: 'REMOTE_REFUSED', message: /runs no commands for this user/ });
});

test('a file on the host is read within its bound, and written in one step with its mode from birth', async (t) => {
  const sshd = await startSshd(t);
  const host = remoteHost(await openTestLink(t, sshd));
  const dir = join(sshd.dir, "a dir with ' and $x");
  mkdirSync(dir);
  const file = join(dir, '-n');
  const bytes = Buffer.from([0, 255, 10, 13, 0, 128]);
  await host.writeFile(file, bytes);
  t.same(readFileSync(file), bytes);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.same(await host.readFile(file), bytes);
  await host.writeFile(file, 'text', { mode: 0o640 });
  t.equal(statSync(file).mode & 0o777, 0o640);
  t.equal(String(await host.readFile(file, { most: 4 })), 'text');
  await t.rejects(host.readFile(file, { most: 3 }), { code: 'REMOTE_FILE', message: /larger than 3 bytes/ });
  await host.writeFile('~/below-home', 'h');
  t.equal(readFileSync(join(sshd.home, 'below-home'), 'utf8'), 'h');
  await t.rejects(host.readFile(join(dir, 'none')), { code: 'REMOTE_FILE', message: /no such file/ });
  await t.rejects(host.readFile(dir), { code: 'REMOTE_FILE', message: /no regular file/ });
  await t.rejects(host.writeFile(join(dir, 'none', 'x'), ''), {
    code: 'REMOTE_FILE',
    message: /folder cannot be written/,
  });
  symlinkSync(file, join(dir, 'link'));
  t.equal(String(await host.readFile(join(dir, 'link'))), 'text');
  await t.rejects(host.writeFile(join(dir, 'link'), 'x'), { code: 'REMOTE_FILE', message: /symlink, refusing/ });
  t.equal(readFileSync(file, 'utf8'), 'text');
  appendFileSync(file, Buffer.alloc(2 * 1024 * 1024));
  await t.rejects(host.readFile(file), { code: 'REMOTE_FILE', message: /larger than 1048576 bytes/ });
});

test('a plugin dials what the host sees', async (t) => {
  const echo = await startEcho(t);
  const host = remoteHost(await openTestLink(t, await startSshd(t)));
  const stream = await host.dial({ kind: 'tcp', host: '127.0.0.1', port: echo.port });
  stream.end('hello');
  t.equal(String((await once(stream, 'data'))[0]), 'hello');
});

test('what a plugin reads of the host ends in a fault where the link was lost, and never as if it were whole', async (t) => {
  const echo = await startEcho(t);
  const sshd = await startSshd(t);
  const host = remoteHost(await openTestLink(t, sshd));
  const stream = await host.dial({ kind: 'tcp', host: '127.0.0.1', port: echo.port });
  stream.write('half');
  const read = async () => {
    let all = '';
    for await (const chunk of stream) {
      all += chunk;
      sshd.killSessions();
    }
    return all;
  };
  await t.rejects(within('its end', read()), { code: 'LINK_LOST' });
});

async function* never(): AsyncGenerator<string> {
  await new Promise(() => undefined);
}
