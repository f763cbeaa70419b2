import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { cliEnv, homeOf, runTowline } from '../fixtures/cli.ts';
import { supervise } from '../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';
import { MAIN } from '../fixtures/main-file.ts';
import { daemonClient } from '../fixtures/daemon-client.ts';

/** A system call by which a file may be made, or its mode changed. */
interface Call {
  readonly line: string;
  readonly path: string;
  readonly mode: number;
}

/** Runs towline with nothing masked, as `umask 0` would have it, and tells what it made below its home; `over` ends it. */
async function traced(t: Owner, args: readonly string[], over: () => Promise<unknown>): Promise<readonly Call[]> {
  const trace = join(makeTemp(t, 'trace'), 'calls');
  const calls = 'trace=openat,open,creat,mkdir,mkdirat,chmod,fchmod,fchmodat';
  const command = `umask 0; exec strace -f -o ${trace} -e ${calls} ${process.execPath} ${MAIN} ${args.join(' ')}`;
  const child = spawn('sh', ['-c', command], { env: cliEnv(t), cwd: homeOf(t), stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('close', resolve));
  await over();
  await within('the end of the trace', ended);
  return readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => /O_CREAT|mkdir|chmod/.test(line) && line.includes(homeOf(t)))
    .map((line) => ({
      line,
      path: /"([^"]*)"/.exec(line)?.[1] ?? '',
      mode: Number.parseInt(/\b(0[0-7]{3})\b/.exec(line)?.[1] ?? '', 8),
    }));
}

test('whatever towline makes is born private, whatever the umask, and nothing changes a mode afterwards', async (t) => {
  const [file, own] = ['towline.json', 'own.json'].map((name) => join(homeOf(t), name)) as [string, string];
  const text = '{ "relays": { "r": { "host": "127.0.0.1:1", "forwards": ["0:127.0.0.1:9"] } } }';
  writeFileSync(own, text, { mode: 0o600 });
  const made = [
    ...(await traced(t, ['add', 'r', '--host', '127.0.0.1:1', '--config', file], async () => undefined)),
    ...(await traced(t, ['up', '--config', own], async () => {
      await daemonClient(t).answers();
      await runTowline(t, ['down']);
    })),
  ];
  const born = (name: string) =>
    made.filter(({ path, line }) => path.includes(name) && /O_CREAT/.test(line)).length > 0;
  for (const name of ['towline.json', 'towline.log', 'ports.json']) t.ok(born(name), `${name} was seen`);
  for (const { line, mode } of made) {
    t.notMatch(line, /chmod/);
    t.equal(mode, line.includes('mkdir') ? 0o700 : 0o600, line);
    if (line.includes('O_CREAT')) t.match(line, /O_EXCL|O_NOFOLLOW/, 'and leads through no link');
  }
  t.equal(statSync(file).mode & 0o777, 0o600);
});

test('a link that lies where the state is written is replaced, and what it leads to is left alone', async (t) => {
  const state = makeTemp(t, 'state');
  const theirs = join(makeTemp(t, 'theirs'), 'precious');
  writeFileSync(theirs, 'precious');
  symlinkSync(theirs, join(state, 'ports.json'));
  const config = join(makeTemp(t, 'ssh'), 'config');
  writeFileSync(config, '', { mode: 0o600 });
  const relay = { host: '127.0.0.1:1', forwards: ['0:127.0.0.1:9'] };
  const relays = await supervise(t, { sshConfigFile: config }, { r: relay }, state);
  await relays.next('it listens', (event) => event.type === 'listener.bound');
  t.equal(readFileSync(theirs, 'utf8'), 'precious');
  t.match(JSON.parse(readFileSync(join(state, 'ports.json'), 'utf8')), {});
  t.notOk(statSync(join(state, 'ports.json')).ino === statSync(theirs).ino);
});

test('a link in the place of the state folder is refused, and nothing is started', async (t) => {
  const away = makeTemp(t, 'away');
  mkdirSync(join(away, 'towline'), { mode: 0o700 });
  symlinkSync(join(away, 'towline'), join(homeOf(t), '.state', 'towline'));
  const file = join(homeOf(t), 'towline.json');
  writeFileSync(file, '{ "relays": { "r": { "host": "h", "forwards": ["1"] } } }', { mode: 0o600 });
  const { code, stderr } = await runTowline(t, ['up', '--config', file]);
  t.equal(code, 73);
  t.match(stderr, /\.state\/towline.*symbolic link.*\[RUNTIME_UNSAFE\]/);
  t.notOk(existsSync(join(away, 'towline', 'towline.log')));
});
