import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { makeTemp } from '../../../fixtures/temp.ts';
import { MAIN } from '../../../fixtures/main-file.ts';

/** The user's and the system's file together; both programs are asked where these lie in their real places. */
interface Both {
  readonly user: string;
  readonly system: string;
  readonly userMode?: string;
  readonly systemMode?: string;
  /** More files, by name in ~/.ssh or /etc/ssh. */
  readonly inHome?: Readonly<Record<string, string>>;
  readonly inSystem?: Readonly<Record<string, string>>;
}

const cases: Readonly<Record<string, Both>> = {
  'the user comes first': { user: 'Host h\n User u\n', system: 'User s\nPort 7\n' },
  'identity files of both add up, the same one twice': {
    user: 'IdentityFile /a\nCertificateFile /c\n',
    system: 'IdentityFile /a\nIdentityFile /b\nCertificateFile /c\n',
  },
  'a block of the user ends with the file': { user: 'Host z\n User no\n', system: 'Compression yes\n' },
  'includes are relative to their own folder': {
    user: 'Include a\n',
    system: 'Include a conf.d/*.conf\n',
    inHome: { a: 'User u\n' },
    inSystem: { a: 'Port 7\n', 'conf.d/x.conf': 'HashKnownHosts yes\n' },
  },
  'the system may not include from a home': { user: '', system: 'Include ~/a\n' },
  'a final pass reads both again': { user: 'HostName r\n', system: 'Match final host r\n User x\nHost r\n Port 8\n' },
  'a command of the system': { user: '', system: 'Match exec "test %n = h"\n User x\n' },
  "the user's file open to others": { user: 'User u\n', system: '', userMode: '666' },
  "the system's file open to others": { user: '', system: 'User u\n', systemMode: '666' },
  'send env of both': { user: 'SendEnv A\n', system: 'SendEnv LANG LC_*\n' },
  "Debian's own": {
    user: '',
    system:
      'Include /etc/ssh/ssh_config.d/*.conf\nHost *\n SendEnv LANG LC_*\n HashKnownHosts yes\n GSSAPIAuthentication yes\n',
  },
};

test('user and system files together mean what they mean to ssh', async (t) => {
  let refused = 0;
  for (const [name, one] of Object.entries(cases)) {
    const [theirs, ours] = await ask(t, one);
    t.equal(ours, theirs, name);
    refused += Number(theirs === 'refused\n');
  }
  t.equal(refused, 2, 'both see a refusal as one');
});

/** Runs both in a mount namespace in which the files lie where ssh looks. */
async function ask(t: Test, one: Both): Promise<readonly [string, string]> {
  const dir = makeTemp(t, 'system');
  const { username, uid } = userInfo();
  const [home, etc] = [join(dir, 'home/.ssh'), join(dir, 'etc')];
  for (const folder of [home, join(etc, 'conf.d')]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  const put = (path: string, text: string) => writeFileSync(path, text, { mode: 0o644 });
  // Another home for the same user: the real one stays untouched, and may be where this test lies.
  const rows = readFileSync('/etc/passwd', 'utf8').split('\n');
  const moved = rows.map((row) => {
    const fields = row.split(':');
    return fields[0] === username ? [...fields.slice(0, 5), join(dir, 'home'), ...fields.slice(6)].join(':') : row;
  });
  put(join(dir, 'passwd'), moved.join('\n'));
  put(join(home, 'config'), one.user);
  put(join(etc, 'ssh_config'), one.system);
  for (const [name, text] of Object.entries(one.inHome ?? {})) put(join(home, name), text);
  for (const [name, text] of Object.entries(one.inSystem ?? {})) put(join(etc, name), text);
  const script = `
    chmod ${one.userMode ?? '644'} ${home}/config && chmod ${one.systemMode ?? '644'} ${etc}/ssh_config || exit 9
    mount --bind ${etc} /etc/ssh && mount --bind ${dir}/passwd /etc/passwd || exit 9
    export HOME=${dir}/home
    "$@" 2>/dev/null || echo refused`;
  const unshare = uid === 0 ? ['--mount'] : ['--user', '--map-current-user', '--mount'];
  const run = (...command: readonly string[]) =>
    new Promise<string>((resolve, reject) => {
      execFile('unshare', [...unshare, 'sh', '-c', script, 'sh', ...command], (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(error);
      });
    });
  const [theirs, ours] = await Promise.all([
    run('ssh', '-G', 'h'),
    run(process.execPath, MAIN, 'explain', 'h', '--format', 'ssh'),
  ]);
  t.ok(
    theirs.includes('hostname h\n') || theirs.includes('hostname r\n') || theirs === 'refused\n',
    theirs.slice(0, 80),
  );
  return [theirs, ours];
}
