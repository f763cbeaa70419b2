import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { withFileLock } from '../../../../src/core/ssh/known-hosts/file-lock.ts';
import { formatEntry, isRecordable } from '../../../../src/core/ssh/known-hosts/known-hosts-entry.ts';
import { loadKnownHosts } from '../../../../src/core/ssh/known-hosts/known-hosts.ts';
import { acceptNew, learnHostKey } from '../../../../src/core/ssh/known-hosts/learn-host-key.ts';
import { hop, hostConfig } from '../../../fixtures/host-config.ts';
import { startSshd } from '../../../fixtures/sshd.ts';
import { makeKeyPair } from '../../../fixtures/sshd-keys.ts';
import { makeTemp, type Owner } from '../../../fixtures/temp.ts';
import { waitUntil } from '../../../fixtures/wait.ts';
import { askSsh, askTowline, checkedHost, goRoute } from './both.ts';

const LEARNER = fileURLToPath(new URL('learner-main.js', import.meta.url));
const blobOf = (publicKey: string) => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
const forever = new AbortController().signal;

/** A hop to a host of which nothing is known, in a file of its own. */
function newHop(file: string, over: Parameters<typeof hostConfig>[0] = {}) {
  const files = { knownHostsFiles: [file], knownHostsTo: file };
  return hop({ host: hostConfig({ hostKeyChecking: 'accept-new', ...files, ...over }) });
}

/** Starts workers, lets all of them begin at once, and gathers what each of their keys came to. */
async function learnInProcesses(t: Owner, file: string, hash: boolean, workers: readonly (readonly string[])[]) {
  const children = workers.map((hosts) => fork(LEARNER, [file, hash ? 'yes' : 'no', ...hosts]));
  t.teardown(() => children.map((child) => child.kill('SIGKILL')));
  await Promise.all(children.map((child) => once(child, 'message')));
  const results = children.map(async (child): Promise<readonly string[]> => {
    const [said] = await once(child, 'message');
    return said;
  });
  for (const child of children) child.send('go');
  return (await Promise.all(results)).flat();
}

test('many workers that meet many hosts at once write each of them once, and whole', async (t) => {
  for (const hash of [false, true]) {
    const dir = makeTemp(t, 'kh');
    const file = join(dir, 'known_hosts');
    const keys = ['a', 'b', 'c'].map((name) => makeKeyPair(join(dir, name)).publicKey);
    const all = Array.from({ length: 50 }, (_, n) => {
      const key = blobOf(keys[n % 3] ?? '').toString('base64url');
      return `h${n}=${key}`;
    });
    // Two workers for each host, and a line without its end before them.
    writeFileSync(file, `other ${keys[0]}`);
    const halves = [0, 1, 2, 3, 0, 1, 2, 3].map((n) => all.filter((_, index) => index % 4 === n));
    const results = await learnInProcesses(t, file, hash, halves);
    t.equal(results.filter((result) => result === 'written').length, 50);
    t.equal(results.filter((result) => result === 'known').length, 50);
    const lines = readFileSync(file, 'utf8').split('\n');
    t.equal(lines.length, 52, 'one line each, and the newline at the end');
    t.equal(lines[0], `other ${keys[0]}`);
    t.strictSame((await loadKnownHosts([file])).warnings, []);
    for (const n of [0, 17, 49]) {
      const found = execFileSync('ssh-keygen', ['-F', `[h${n}]:2222`, '-f', file], { encoding: 'utf8' });
      t.match(found, keys[n % 3] ?? 'none');
    }
    t.strictSame(
      readdirSync(dir).filter((name) => name.includes('lock')),
      [],
      'no lock is left behind',
    );
  }
});

test('of two workers that are shown two keys of one new host, one is refused', async (t) => {
  const dir = makeTemp(t, 'kh');
  const file = join(dir, 'known_hosts');
  const pairs = ['a', 'b'].map((name) => blobOf(makeKeyPair(join(dir, name)).publicKey).toString('base64url'));
  const workers = pairs.map((key) => Array.from({ length: 10 }, (_, n) => `h${n}=${key}`));
  const results = await learnInProcesses(t, file, false, workers);
  t.equal(results.filter((result) => result === 'written').length, 10);
  t.equal(results.filter((result) => result === 'HOST_KEY_CHANGED').length, 10);
});

test('a name is hashed as ssh-keygen hashes it: each reads what the other wrote', (t) => {
  const dir = makeTemp(t, 'kh');
  const key = makeKeyPair(join(dir, 'a')).publicKey;
  const names = Array.from({ length: 200 }, (_, n): readonly [string, number] => {
    const host = n % 5 === 0 ? `fe80::${n}` : n % 7 === 0 ? `HOST${n}.Example.COM` : `${'x'.repeat(n % 60)}h${n}`;
    return [host, n % 3 === 0 ? 22 : 1 + n * 300];
  });
  const asWritten = ([host, port]: readonly [string, number]) =>
    (port === 22 ? host : `[${host}]:${port}`).toLowerCase();
  // Theirs: a plain file that ssh-keygen hashes. Ours: hashed from the start.
  const [theirs, ours] = [join(dir, 'theirs'), join(dir, 'ours')];
  writeFileSync(theirs, names.map(([host, port]) => `${formatEntry(host, port, blobOf(key), false)}\n`).join(''));
  execFileSync('ssh-keygen', ['-H', '-f', theirs], { stdio: 'ignore' });
  t.notMatch(readFileSync(theirs, 'utf8'), /h199/);
  writeFileSync(ours, names.map(([host, port]) => `${formatEntry(host, port, blobOf(key), true)}\n`).join(''));
  t.equal(new Set(readFileSync(ours, 'utf8').match(/^\|1\|[^|]+\|/gm)).size, names.length, 'a salt each');
  loadKnownHosts([theirs]).then((known) => {
    for (const [index, [host, port]] of names.entries()) {
      t.match(known.recognize(host, port, blobOf(key)), { kind: 'known', line: index + 1 }, `${host} ${port}`);
      if (index % 10 !== 0) continue;
      const found = spawnSync('ssh-keygen', ['-F', asWritten([host, port]), '-f', ours], { encoding: 'utf8' });
      t.match(found.stdout, `found: line ${index + 1} `, `ssh-keygen -F ${host} ${port}`);
    }
    t.end();
  }, t.threw);
});

test('many relays that meet one new host at once all get in, and it is written once', async (t) => {
  const sshd = await startSshd(t, { config: ['MaxStartups 100'] });
  const file = join(makeTemp(t, 'kh'), '.ssh', 'known_hosts');
  const checked = { checking: 'accept-new', files: [file] } as const;
  const all = await Promise.all(Array.from({ length: 20 }, () => askTowline(sshd, checked)));
  t.strictSame(new Set(all.map(({ outcome }) => outcome)), new Set(['in']));
  t.equal(all.flatMap(({ notes }) => notes).length, 1, 'it is said once');
  t.equal(readFileSync(file, 'utf8'), `[127.0.0.1]:${sshd.port} ${sshd.hostKeys[0]}\n`);
});

test('two new hops are both learned on one way, and a changed one ends it at its own', async (t) => {
  const [first, second] = [await startSshd(t), await startSshd(t)];
  second.allowKey(first.publicKey);
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  const checked = { checking: 'accept-new', files: [file] } as const;
  const route = [checkedHost(first, checked), { ...checkedHost(second, checked), identityFiles: [first.keyFile] }];
  const { outcome, notes } = await goRoute(route);
  t.equal(outcome, 'in');
  t.equal(notes.filter((note) => note.includes('was added to')).length, 2);
  const line = ({ port, hostKeys }: typeof first) => `[127.0.0.1]:${port} ${hostKeys[0]}\n`;
  t.equal(readFileSync(file, 'utf8'), `${line(first)}${line(second)}`);
  await second.swapHostKey();
  const { fault } = await goRoute(route);
  t.match(fault, { code: 'HOST_KEY_CHANGED', message: /^the host key of hop 2 / });
  t.ok(fault?.message.includes(`${file}:2`));
});

test('HashKnownHosts: the line hides the name, and the real ssh knows the host by it', async (t) => {
  const sshd = await startSshd(t);
  const file = join(makeTemp(t, 'kh'), 'known_hosts');
  const checked = { checking: 'accept-new', files: [file], hash: true } as const;
  t.equal((await askTowline(sshd, checked)).outcome, 'in');
  t.match(readFileSync(file, 'utf8'), /^\|1\|[A-Za-z0-9+/]{27}=\|[A-Za-z0-9+/]{27}= ssh-ed25519 \S+\n$/);
  t.equal(await askSsh(sshd, { ...checked, checking: 'yes' }), 'in');
});

test('/dev/null keeps nothing, and the key is taken for this connection, as by ssh', async (t) => {
  const sshd = await startSshd(t);
  const checked = { checking: 'accept-new', files: ['/dev/null'] } as const;
  t.equal(await askSsh(sshd, checked), 'in');
  const { outcome, notes } = await askTowline(sshd, checked);
  t.equal(outcome, 'in');
  t.match(notes, [/accepted for this connection only: known_hosts is \/dev\/null/]);
  t.ok(statSync('/dev/null').isCharacterDevice());
});

test('without a file of the user nothing new is accepted, as by ssh', async (t) => {
  const sshd = await startSshd(t);
  const { outcome, fault } = await askTowline(sshd, { checking: 'accept-new', files: [] });
  t.equal(outcome, 'unknown');
  t.match(fault?.message, /UserKnownHostsFile names no file to write it to/);
  t.equal(await askSsh(sshd, { checking: 'accept-new', files: ['none'] }), 'unknown');
});

test('a file that cannot be written does not stop accept-new, as with ssh, and the user is told', async (t) => {
  const sshd = await startSshd(t);
  const file = join(makeTemp(t, 'kh'), 'missing', 'known_hosts');
  const checked = { checking: 'accept-new', files: [file] } as const;
  t.equal(await askSsh(sshd, checked), 'in');
  const { outcome, notes } = await askTowline(sshd, checked);
  t.equal(outcome, 'in');
  t.match(notes, [/accepted for this connection only: .* cannot be written to .*known_hosts \(ENOENT\)/]);
  t.notOk(existsSync(file));
});

test('what was accepted is told once, with its fingerprint and file', async (t) => {
  const dir = makeTemp(t, 'kh');
  const file = join(dir, 'known_hosts');
  const { publicKey, fingerprint } = makeKeyPair(join(dir, 'a'));
  const note = await acceptNew(newHop(file), blobOf(publicKey), forever);
  t.equal(note, `the new host key of box (ssh-ed25519 ${fingerprint}) was added to ${file}`);
  t.equal(await acceptNew(newHop(file), blobOf(publicKey), forever), null, 'another worker was faster');
  const other = blobOf(makeKeyPair(join(dir, 'b')).publicKey);
  await t.rejects(acceptNew(newHop(file), other, forever), { code: 'HOST_KEY_CHANGED' });
  t.equal(readFileSync(file, 'utf8'), `box ${publicKey}\n`);
});

test('only a person may overrule an authority, and nobody a revoked key', async (t) => {
  const dir = makeTemp(t, 'kh');
  const file = join(dir, 'known_hosts');
  const [a, b] = ['a', 'b'].map((name) => makeKeyPair(join(dir, name)).publicKey);
  writeFileSync(file, `@cert-authority * ${b}\n`);
  const learn = (asked: 'policy' | 'person') => learnHostKey(newHop(file), blobOf(a ?? ''), asked, forever);
  await t.rejects(learn('policy'), { code: 'HOST_KEY_UNVERIFIABLE' });
  t.equal(await learn('person'), 'written');
  writeFileSync(file, `@revoked * ${a}\n`);
  await t.rejects(learn('person'), { code: 'HOST_KEY_REVOKED' });
});

test('a name that would mean something else in known_hosts is never written', async (t) => {
  for (const name of ['h', 'a-b.c_d', '::1', 'fe80::1%eth0', 'bücher.example', '10.0.0.1'])
    t.ok(isRecordable(name), name);
  for (const name of [
    '',
    '*',
    'a?',
    '!a',
    'a,b',
    'a b',
    '#a',
    '@a',
    '|1|x',
    '[a',
    'a]',
    "a'",
    'a"',
    'a\\',
    'a\nb',
    'a\0',
  ]) {
    t.notOk(isRecordable(name), JSON.stringify(name));
    const file = join(makeTemp(t, 'kh'), 'known_hosts');
    const { publicKey } = makeKeyPair(join(file, '..', 'k'));
    await t.rejects(
      learnHostKey(newHop(file, { hostKeyAlias: name, hostName: name }), blobOf(publicKey), 'person', forever),
      {
        code: 'KNOWN_HOSTS_UNWRITABLE',
      },
    );
    t.notOk(existsSync(file));
  }
});

test('a lock is never taken from a process of this machine that lives, however old it is, nor given back by another one', async (t) => {
  const dir = makeTemp(t, 'kh');
  const [path, lock] = [join(dir, 'x'), join(dir, 'x.towline-lock')];
  const minuteAgo = new Date(Date.now() - 60_000);
  let leave: () => void = () => undefined;
  const inside = new Promise<void>((entered) => {
    const work = () =>
      new Promise<void>((resolve) => {
        leave = resolve;
        entered();
      });
    void withFileLock(path, work, forever).then(() => void leaving.push('left'));
  });
  const leaving: string[] = [];
  await inside;
  utimesSync(lock, new Date(), minuteAgo);
  const impatient = AbortSignal.timeout(200);
  await t.rejects(
    withFileLock(path, async () => 'in', impatient),
    { name: 'AbortError' },
  );
  await waitUntil('its holder has written it anew', () => statSync(lock).mtimeMs > minuteAgo.getTime() + 30_000);
  writeFileSync(lock, '1 another-machine - x\n');
  leave();
  await waitUntil('the holder has left', () => leaving.length > 0);
  t.equal(readFileSync(lock, 'utf8'), '1 another-machine - x\n', 'it was not the first one’s any more');
  // The number of a process that began at another time.
  if (existsSync('/proc/self/stat')) {
    writeFileSync(lock, `${process.pid} ${hostname()} 1 x\n`);
    t.equal(await withFileLock(path, async () => 'in', forever), 'in');
  }
  t.strictSame(readdirSync(dir), []);
});

test('a lock whose holder is dead, or old, is nobody’s; one that is held is waited for', async (t) => {
  const dir = makeTemp(t, 'kh');
  const [path, lock] = [join(dir, 'x'), join(dir, 'x.towline-lock')];
  const dead = spawnSync('true').pid;
  writeFileSync(lock, `${dead} ${hostname()}\n`);
  t.equal(await withFileLock(path, async () => 'in', forever), 'in');
  writeFileSync(lock, '1 another-machine\n');
  utimesSync(lock, new Date(), new Date(Date.now() - 60_000));
  t.equal(await withFileLock(path, async () => 'in', forever), 'in');
  t.notOk(existsSync(lock));
  writeFileSync(lock, `${process.pid} ${hostname()}\n`);
  const late = AbortSignal.timeout(200);
  await t.rejects(
    withFileLock(path, async () => 'in', late),
    { name: 'AbortError' },
  );
  const waiting = withFileLock(path, async () => 'in', forever);
  rmSync(lock);
  t.equal(await waiting, 'in');
  t.equal(
    await withFileLock(join(dir, 'no/folder'), async () => 'in', forever),
    'in',
    'where none can be made there is none',
  );
  await t.rejects(
    withFileLock(path, () => Promise.reject(new Error('x')), forever),
    { message: 'x' },
  );
  t.notOk(existsSync(lock));
  mkdirSync(lock);
  utimesSync(lock, new Date(), new Date(Date.now() - 60_000));
  const never = AbortSignal.timeout(200);
  await t.rejects(
    withFileLock(path, async () => 'in', never),
    { name: 'AbortError' },
    'a folder is not spun on',
  );
});
