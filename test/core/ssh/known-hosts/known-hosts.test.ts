import { execFileSync, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { fingerprint } from '../../../../src/core/ssh/identity/fingerprint.ts';
import { loadKnownHosts } from '../../../../src/core/ssh/known-hosts/known-hosts.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { askSsh, askTowline, type Checked, eachOf, type Outcome } from './both.ts';

const blobOf = (publicKey: string) => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');

/** Hashes a name as `ssh-keygen -H` does. */
function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

test('what is known of a key is what the real ssh says, and what accept-new writes is what ssh writes', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 100', 'ListenAddress ::1'] });
  const dir = makeTemp(t, 'kh');
  const [real = ''] = sshd.hostKeys;
  const ed = makeKeyPair(join(dir, 'ed')).publicKey;
  const ecdsa = makeKeyPair(join(dir, 'ec'), 'ecdsa').publicKey;
  const { port } = sshd;
  const H = `[127.0.0.1]:${port}`;
  const base64 = real.split(' ')[1] ?? '';
  const short = Buffer.concat([blobOf(real).subarray(0, 15), Buffer.from([0, 0, 0, 31]), blobOf(real).subarray(20)]);
  const made = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-foo'), blobOf(real).subarray(15)]);

  type Outcomes = readonly [yes: Outcome, acceptNew: Outcome];
  const known: Outcomes = ['in', 'in'];
  const fresh: Outcomes = ['unknown', 'in'];
  const changed: Outcomes = ['changed', 'changed'];
  const revoked: Outcomes = ['revoked', 'revoked'];
  const cases: readonly (readonly [string, string, Outcomes, Partial<Checked>?])[] = [
    ['nothing', '', fresh],
    ['its key', `${H} ${real}\n`, known],
    ['its key under the plain name', `127.0.0.1 ${real}\n`, known],
    ['another port', `[127.0.0.1]:1 ${real}\n`, fresh],
    ['another key', `${H} ${ed}\n`, changed],
    ['another key under the plain name', `127.0.0.1 ${ed}\n`, fresh],
    ['a key of another type', `${H} ${ecdsa}\n`, changed],
    ['another key, and its own under the plain name', `${H} ${ed}\n127.0.0.1 ${real}\n`, changed],
    ['another key, then its own', `${H} ${ed}\n${H} ${real}\n`, known],
    ['revoked everywhere', `${H} ${real}\n@revoked * ${real}\n`, revoked],
    ['only revoked', `@revoked * ${real}\n`, revoked],
    ['revoked under the plain name only', `@revoked 127.0.0.1 ${real}\n${H} ${real}\n`, known],
    ['another key revoked', `@revoked * ${ed}\n${H} ${real}\n`, known],
    ['another key revoked, nothing known', `@revoked * ${ed}\n`, fresh],
    ['an authority and its key', `@cert-authority * ${ed}\n${H} ${real}\n`, known],
    ['an authority and its key under the plain name', `@cert-authority * ${ed}\n127.0.0.1 ${real}\n`, known],
    ['an authority and another key', `@cert-authority * ${ed}\n${H} ${ecdsa}\n`, changed],
    ['a wildcard with the port', `[127.*]:${port} ${real}\n`, known],
    ['a wildcard', `127.0.?.1 ${real}\n`, known],
    ['a wildcard with another key', `[127.*]:* ${ed}\n`, changed],
    ['several names', `example.com,${H},other ${real}\n`, known],
    ['a negation', `[127.*]:${port},!${H} ${real}\n`, fresh],
    ['a negation of the name with its port only', `*,!${H} ${real}\n`, known],
    ['only negations', `!${H} ${real}\n`, fresh],
    ['hashed', `${hashed(H)} ${real}\n`, known],
    ['hashed under the plain name', `${hashed('127.0.0.1')} ${real}\n`, known],
    ['hashed, another key', `${hashed(H)} ${ed}\n`, changed],
    ['hashed, another host', `${hashed('127.0.0.2')} ${real}\n`, fresh],
    ['hashed and revoked', `@revoked ${hashed(H)} ${real}\n${H} ${real}\n`, revoked],
    ['a hashed name in a list', `${hashed(H)},${H} ${real}\n`, fresh],
    ['a hashed name with a salt of 19 bytes', `|1|${'A'.repeat(26)}==|AAAA ${real}\n`, fresh],
    ['comments, blanks, CRLF', `# x\r\n\r\n  ${H} ${real} a comment\r\n`, known],
    ['CRLF after the key', `${H} ${real}\r\n`, known],
    ['CRLF after another key', `${H} ${ed}\r\n`, changed],
    ['tabs', `${H}\t${real.replace(' ', '\t')}\n`, known],
    ['no final newline', `${H} ${real}`, known],
    ['a broken line first', `${H} ssh-ed25519 !!!!\n${H}\n${H} 256 35 123\n${H} ${real}\n`, known],
    ['broken lines only', `${H} ssh-ed25519 !!!!\n${H}\n${H} 256 35 123\n`, fresh],
    ['a key of the wrong type', `${H} ssh-rsa ${base64}\n`, fresh],
    ['a key that is too short', `${H} ssh-ed25519 ${short.toString('base64')}\n`, fresh],
    ['a key of a type that is not known', `${H} ssh-foo ${made.toString('base64')}\n`, fresh],
    ['a zero byte after the key', `${H} ${real}\0x\n`, known],
    ['a zero byte before the line', `\0${H} ${real}\n`, fresh],
    ['a blank that is none', `\u00a0${H} ${real}\n`, fresh],
    ['an unknown marker', `@foo ${H} ${real}\n`, fresh],
    ['two markers', `@revoked @cert-authority ${H} ${real}\n`, fresh],
    ['a comment before it', `#${H} ${real}\n`, fresh],
    ['upper case', `LOCALHOST ${real}\n`, known, { host: 'LocalHost' }],
    ['upper case, new', '', fresh, { host: 'LocalHost' }],
    ['upper case, hashed', `${hashed(`[localhost]:${port}`)} ${real}\n`, known, { host: 'LOCALHOST' }],
    ['IPv6', `[::1]:${port} ${real}\n`, known, { host: '::1' }],
    ['IPv6 under the plain name', `::1 ${real}\n`, known, { host: '::1' }],
    ['IPv6, new', '', fresh, { host: '::1' }],
    ['IPv6, another key', `[::1]:${port} ${ed}\n`, changed, { host: '::1' }],
    ['an alias', `box ${real}\n`, known, { alias: 'box' }],
    ['an alias with a port', `[box]:${port} ${real}\n`, fresh, { alias: 'box' }],
    ['an alias, and the name has another key', `${H} ${ed}\n127.0.0.1 ${ed}\n`, fresh, { alias: 'box' }],
    ['an alias with another key', `box ${ed}\n${H} ${real}\n`, changed, { alias: 'box' }],
    ['an alias in upper case', `box ${real}\n`, known, { alias: 'BOX' }],
    ['an alias in upper case, new', '', fresh, { alias: 'BOX' }],
  ];
  t.ok(cases.length >= 60, `${cases.length} cases`);
  const from = new Map<string, number>();
  await eachOf(
    cases.flatMap((one) => (['yes', 'accept-new'] as const).map((checking) => [one, checking] as const)),
    async ([[name, text, outcomes, over], checking]) => {
      const files = ['ssh', 'ours'].map((whose) =>
        join(dir, `${cases.findIndex((one) => one[0] === name)}.${checking}.${whose}`),
      );
      for (const file of files) writeFileSync(file, text, { mode: 0o600 });
      const [theirs = '', ours = ''] = files;
      const outcome = outcomes[checking === 'yes' ? 0 : 1];
      const both = await Promise.all([
        askSsh(sshd, { ...over, checking, files: [theirs] }),
        askTowline(sshd, { ...over, checking, files: [ours] }),
      ]);
      t.equal(both[0], outcome, `${name}: ssh, ${checking}`);
      t.equal(both[1].outcome, outcome, `${name}: ours, ${checking}`);
      t.equal(readFileSync(ours, 'utf8'), readFileSync(theirs, 'utf8'), `${name}: the file after ${checking}`);
      from.set(checking, (from.get(checking) ?? 0) + 1);
    },
  );
  t.strictSame([...from.values()], [cases.length, cases.length]);
});

test('where ssh would be more careless than we are, it is known in what', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'kh');
  const [real = ''] = sshd.hostKeys;
  const ca = makeKeyPair(join(dir, 'ca')).publicKey;
  const H = `[127.0.0.1]:${sshd.port}`;
  const cases = [
    // ssh prints its warning of a revoked key, then takes it as new.
    ['a key that is revoked under the plain name', `@revoked 127.0.0.1 ${real}\n127.0.0.1 ${real}\n`, 'in', 'revoked'],
    // A key without a certificate is a new one to ssh, also where an authority was to vouch for it.
    ['an authority', `@cert-authority * ${ca}\n`, 'in', 'unknown'],
    ['its key as an authority', `@cert-authority ${H} ${real}\n`, 'in', 'unknown'],
  ] as const;
  for (const [name, text, theirs, ours] of cases) {
    const file = join(dir, 'known_hosts');
    for (const ask of [askSsh, askTowline]) {
      writeFileSync(file, text);
      const outcome = await ask(sshd, { checking: 'accept-new', files: [file] });
      t.equal(typeof outcome === 'string' ? outcome : outcome.outcome, ask === askSsh ? theirs : ours, name);
    }
    t.equal(readFileSync(file, 'utf8'), text, `${name}: nothing is written`);
    t.not(await askSsh(sshd, { checking: 'yes', files: [file] }), 'in', `${name}: StrictHostKeyChecking yes`);
  }
  // ssh takes a file that it cannot read for an empty one.
  t.equal(await askSsh(sshd, { checking: 'accept-new', files: [dir] }), 'in');
  const { fault } = await askTowline(sshd, { checking: 'accept-new', files: [dir] });
  t.match(fault, { code: 'KNOWN_HOSTS_UNREADABLE', detail: { file: dir } });
});

test('several files are read in their order, and the first one is written to', async (t) => {
  const sshd = await startSshd(t);
  const dir = makeTemp(t, 'kh');
  const [real = ''] = sshd.hostKeys;
  const H = `[127.0.0.1]:${sshd.port}`;
  const other = makeKeyPair(join(dir, 'ed')).publicKey;
  const cases: readonly (readonly [string, string, Outcome])[] = [
    ['', `${H} ${real}\n`, 'in'],
    [`${H} ${other}\n`, `${H} ${real}\n`, 'in'],
    ['', `${H} ${other}\n`, 'changed'],
    [`${H} ${real}\n`, `@revoked * ${real}\n`, 'revoked'],
    [`x ${other}\n`, `y ${other}\n`, 'in'],
  ];
  for (const [one, two, outcome] of cases) {
    const written: string[][] = [];
    for (const ask of [askSsh, askTowline]) {
      const files = [join(dir, 'a b'), join(dir, 'two')];
      writeFileSync(files[0] ?? '', one);
      writeFileSync(files[1] ?? '', two);
      const got = await ask(sshd, { checking: 'accept-new', files });
      t.equal(typeof got === 'string' ? got : got.outcome, outcome);
      written.push(files.map((file) => readFileSync(file, 'utf8')));
    }
    t.strictSame(written[1], written[0]);
  }
});

test('what is known of a key says where it comes from', async (t) => {
  const dir = makeTemp(t, 'kh');
  const [a, b] = [makeKeyPair(join(dir, 'a')), makeKeyPair(join(dir, 'b'), 'ecdsa')];
  const [one, two] = [join(dir, 'one'), join(dir, 'two')];
  writeFileSync(one, `\n# x\nh ${a.publicKey}\n@revoked r ${a.publicKey}\n@cert-authority c ${a.publicKey}\n`);
  writeFileSync(two, `H,k ${b.publicKey}\n`);
  const known = await loadKnownHosts([one, join(dir, 'missing'), two]);
  t.strictSame(known.recognize('h', 22, blobOf(a.publicKey)), { kind: 'known', file: one, line: 3 });
  t.strictSame(known.recognize('H', 22, blobOf(b.publicKey)), { kind: 'known', file: two, line: 1 });
  t.strictSame(known.recognize('r', 22, blobOf(a.publicKey)), { kind: 'revoked', file: one, line: 4 });
  t.strictSame(known.recognize('c', 22, blobOf(a.publicKey)), { kind: 'authority-only', file: one, line: 5 });
  t.strictSame(known.recognize('k', 22, blobOf(a.publicKey)), {
    kind: 'changed',
    old: [{ type: 'ecdsa-sha2-nistp256', fingerprint: b.fingerprint, file: two, line: 1 }],
    malformed: [],
  });
  t.equal(fingerprint(blobOf(a.publicKey)), a.fingerprint);
  t.strictSame(known.keyTypes('h', 22), ['ssh-ed25519', 'ecdsa-sha2-nistp256']);
  t.strictSame(known.keyTypes('h', 2222), ['ssh-ed25519', 'ecdsa-sha2-nistp256'], 'the plain name counts too');
  t.strictSame(known.keyTypes('r', 22), [], 'a revoked key is none to ask for');
  t.strictSame(known.keyTypes('c', 22), [], 'nor is an authority');
  t.strictSame(known.warnings, []);
});

test('malformed lines are named, and not more than a few of them', async (t) => {
  const dir = makeTemp(t, 'kh');
  const file = join(dir, 'known_hosts');
  writeFileSync(file, `h\n${'x\n'.repeat(1000)}`);
  const { warnings } = await loadKnownHosts([file]);
  t.equal(warnings[0], `${file}:1: the line is left out, it has no key`);
  t.equal(warnings.length, 20);
});

test('a known_hosts file that cannot be read fails closed', async (t) => {
  const dir = makeTemp(t, 'kh');
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  mkdirSync(join(dir, 'folder'));
  for (const file of [fifo, join(dir, 'folder')]) {
    await t.rejects(loadKnownHosts([file]), { code: 'KNOWN_HOSTS_UNREADABLE', detail: { file } });
  }
  t.strictSame((await loadKnownHosts(['/dev/null', join(dir, 'no'), join(fifo, 'x')])).warnings, []);
});

test('ten thousand hashed lines are searched in the blink of an eye', async (t) => {
  const dir = makeTemp(t, 'kh');
  const key = makeKeyPair(join(dir, 'a')).publicKey;
  const file = join(dir, 'known_hosts');
  const names = Array.from({ length: 10_000 }, (_, i) => `host${i}.example.com`);
  writeFileSync(file, names.map((name) => `${hashed(name)} ${key}\n`).join(''));
  t.equal(readFileSync(file, 'utf8').split('\n').length, 10_001);
  const known = await loadKnownHosts([file]);
  known.recognize('warm.example.com', 22, blobOf(key));
  // Time of the processor: the tests beside this one do not count.
  const spent = process.cpuUsage();
  const recognition = known.recognize('host9999.example.com', 22, blobOf(key));
  const first = process.cpuUsage(spent).user / 1_000;
  const before = performance.now();
  t.match(recognition, { kind: 'known', line: 10_000 });
  known.keyTypes('host9999.example.com', 22);
  const second = performance.now() - before;
  t.comment(`one lookup in 10,000 hashed lines: ${first.toFixed(1)} ms, again: ${second.toFixed(1)} ms`);
  t.ok(first < 50, `${first} ms`);
  t.ok(second < 20, `${second} ms`);
});

test('a file that is being rewritten never fails its readers, nor makes a key a changed one', async (t) => {
  const dir = makeTemp(t, 'kh');
  const [a, b] = ['a', 'b'].map((name) => makeKeyPair(join(dir, name)).publicKey);
  const file = join(dir, 'known_hosts');
  const text = `${`x ${b}\n`.repeat(5_000)}h ${a}\n`;
  writeFileSync(file, text);
  // Emptied, then filled in pieces, as an editor or a copy does; now and then in one step, as ssh-keygen does.
  const script = `const fs = require('node:fs'); const [file, text] = [${JSON.stringify(file)}, fs.readFileSync(${JSON.stringify(file)})];
    process.once('message', () => process.exit());
    const write = (n) => { if (n % 3 === 0) { fs.writeFileSync(file + '.new', text); fs.renameSync(file + '.new', file); }
      else { const fd = fs.openSync(file, 'w'); for (let at = 0; at < text.length; at += 50000) fs.writeSync(fd, text, at, Math.min(50000, text.length - at)); fs.closeSync(fd); }
      setImmediate(write, n + 1); }; write(0); process.send('writing');`;
  const writer = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.teardown(() => writer.kill('SIGKILL'));
  await once(writer, 'message');
  const seen: Record<string, number> = {};
  for (let n = 0; n < 200; n += 1) {
    const { kind } = (await loadKnownHosts([file])).recognize('h', 22, blobOf(a ?? ''));
    seen[kind] = (seen[kind] ?? 0) + 1;
  }
  const left = once(writer, 'exit');
  writer.send('enough');
  await left;
  t.strictSame(
    Object.keys(seen).filter((kind) => kind !== 'known' && kind !== 'unknown'),
    [],
    JSON.stringify(seen),
  );
  t.ok((seen['known'] ?? 0) > 0, JSON.stringify(seen));
});
