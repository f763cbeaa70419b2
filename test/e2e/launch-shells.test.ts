import { test } from 'tap';
import { BACKEND_COMMAND, ECHO_PORT, type SshContainer, startContainer } from '../fixtures/container.ts';
import { launching } from '../fixtures/launching.ts';
import { openTestLink } from '../fixtures/link.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { endBackend, readBackendLog } from '../../src/plugins/launch/manage.ts';

/** A login shell, and the startup files of its user. */
interface Shell {
  readonly path: string;
  readonly rc: Readonly<Record<string, string>>;
}

/** Login shells, with startup files that print and set what only a login sets. */
const shells = {
  bash: {
    path: '/bin/bash',
    rc: { '.bashrc': 'echo noise; echo "pairing token: fake" >&2', '.profile': 'export FROM_LOGIN=yes' },
  },
  fish: {
    path: '/usr/bin/fish',
    rc: { '.config/fish/config.fish': 'echo noise; if status is-login; set -gx FROM_LOGIN yes; end' },
  },
  tcsh: { path: '/bin/tcsh', rc: { '.cshrc': 'echo noise', '.login': 'setenv FROM_LOGIN yes' } },
  dash: { path: '/bin/dash', rc: { '.profile': 'echo noise; FROM_LOGIN=yes; export FROM_LOGIN' } },
} as const;

const mains = { recipe: 'mains', command: `exec ${BACKEND_COMMAND} serve --port={port}` };

async function prepare(container: SshContainer, { path, rc }: Shell): Promise<void> {
  await container.exec(`usermod -s ${path} dev`);
  for (const [file, text] of Object.entries(rc)) {
    const script = 'mkdir -p "$(dirname "$1")"; printf "%s\\n" "$2" >"$1"';
    await container.exec(script, { user: 'dev', args: [`/home/dev/${file}`, text] });
  }
}

async function marked(container: SshContainer, run: string | null): Promise<number> {
  const { stdout } = await container.exec(`grep -lsa "TOWLINE_RUN=$1" /proc/[0-9]*/environ | wc -l`, {
    user: 'dev',
    args: [String(run)],
  });
  return Number(stdout);
}

/** Startup files that show, on either stream, what looks like the token and the address of a backend. */
const lying = {
  bash: { path: '/bin/bash', rc: { '.profile': '. ~/.bashrc', '.bashrc': lies('') } },
  fish: { path: '/usr/bin/fish', rc: { '.config/fish/config.fish': lies('') } },
  tcsh: { path: '/bin/tcsh', rc: { '.cshrc': lies('unset'), '.login': lies('login') } },
  dash: { path: '/bin/dash', rc: { '.profile': lies('') } },
} as const;

/** csh has no way to say it on standard error alone. */
function lies(csh: string): string {
  const lines = ['pairing token: fake-alone', `see ws://127.0.0.1:${ECHO_PORT}/?token=fake-address`];
  const say = lines.map((line) => `echo '${line}'`);
  return [...say, ...(csh === '' ? say.map((one) => `${one} >&2`) : [])].join('\n');
}

/** As it stands in the log, whole. */
const raw = async (container: SshContainer, name: string) =>
  (await container.exec(`cat /home/dev/.local/state/towline/backends/*/${name}/log.*`)).stdout;

for (const [name, shell] of Object.entries(lying)) {
  test(`a login shell of ${name} whose startup files print a token and an address: neither is believed or shown`, async (t) => {
    const container = await startContainer(t);
    await prepare(container, shell);
    const options = {
      // Its own token stands in an address, and the first one that stands alone would win over it.
      command: `echo "open ws://127.0.0.1:{port}/?token=$MAINS_SERVE_TOKEN"; exec ${BACKEND_COMMAND} serve --silent --port={port}`,
      shell: 'login',
      env: { MAINS_SERVE_TOKEN: 'real-token' },
      recipe: {
        prints: 'ws://[^\\s:]+:(\\d+)',
        token: { from: 'output', pattern: '(?:pairing token: |[?&]token=)([\\w-]+)' },
      },
    };
    const first = await launching(t, await openTestLink(t, container), options);
    const backend = await first.up();
    t.equal(backend.token?.reveal(), 'real-token');
    const again = await launching(t, await openTestLink(t, container), options);
    t.match(await again.up(), { adopted: true, run: backend.run, target: backend.target });
    t.match(await raw(container, 'box'), /fake-alone[\s\S]*fake-address[\s\S]*begins\nopen ws:/, 'they were printed');
    t.same([...first.warnings, ...again.warnings], []);
    t.notMatch([...first.progress, ...again.progress].join('\n'), /see ws|pairing/);
    const { port } = backend.target as { port: number };
    t.equal(await readBackendLog(first.host, 'box'), `open ws://127.0.0.1:${port}/?token=[secret]\n`);

    const brief = await launching(t, await openTestLink(t, container), {
      ...options,
      name: 'brief',
      command: 'echo last words; exit 3',
    });
    await t.rejects(brief.up(), { code: 'LAUNCH_FAILED', message: /; last output: "last words"; / });
  });
}

for (const [name, shell] of Object.entries(shells)) {
  test(`a login shell of ${name}: launch, adopt, two at once, replace, stop, and its own environment`, async (t) => {
    const container = await startContainer(t);
    await prepare(container, shell);
    const link = await openTestLink(t, container);
    const first = await launching(t, link, mains);
    const both = await Promise.all([
      first.up(),
      launching(t, await openTestLink(t, container), mains).then(({ up }) => up()),
    ]);
    t.same(both.map(({ adopted }) => adopted).sort(), [false, true]);
    const [{ run, says, token }, other] = both;
    t.match(other, { run, says });
    t.equal(other.token?.reveal(), token?.reveal());
    t.not(token?.reveal(), 'fake');
    for (let n = 0; n < 5; n++) t.match(await first.up(), { adopted: true, run, says });
    t.equal(await marked(container, run), 1);

    await container.exec('kill -9 "$1"', { args: [String(/\d+/.exec(says))] });
    const second = await first.up();
    t.match(second, { adopted: false });
    t.match(await endBackend(first.host, 'box', { forGood: true }), { was: 'ended', left: [] });
    t.equal(await marked(container, second.run), 0);
    await t.rejects(first.up(), { code: 'BACKEND_STOPPED' });

    const login = await launching(t, link, {
      command: `echo "login: $FROM_LOGIN" && exec ${BACKEND_COMMAND} http --port={port}`,
      shell: 'login',
      name: 'login',
    });
    const { target } = await login.up();
    const { stdout } = await login.host.run('cat ~/.local/state/towline/backends/*/login/log.1');
    t.match(stdout, /^login: yes$/m);
    const stream = await login.host.dial(target);
    stream.destroy();

    const short = await launching(t, link, { ...mains, lifetime: 'session', name: 'short' });
    const session = await short.up();
    t.ok((await marked(container, session.run)) > 0);
    const closed = performance.now();
    link.close();
    await waitUntil('its end', async () => (await marked(container, session.run)) === 0, { every: 50 });
    const took = performance.now() - closed;
    t.comment(`measured from the end of the link to that of its session ${Math.round(took)} ms`);
    t.ok(took < 5_000, `${took}`);
  });
}

test('what Homebrew installed is found in each of its folders, behind what the system has', async (t) => {
  const container = await startContainer(t);
  const bins = ['/opt/homebrew/bin', '/home/linuxbrew/.linuxbrew/bin', '/home/dev/.linuxbrew/bin'];
  const link = await openTestLink(t, container);
  for (const [n, bin] of bins.entries()) {
    const script =
      'mkdir -p "$1" && ln -s /usr/local/bin/node "$1/brewed-$2" && printf "#!/bin/sh\\nexit 3\\n" >"$1/id" && chmod 755 "$1/id"';
    await container.exec(script, { args: [bin, String(n)] });
    const { up, host } = await launching(t, link, {
      recipe: 'mains',
      name: `brewed-${n}`,
      command: `id -un && echo "$PATH" && exec ${BACKEND_COMMAND.replace(/^node/, `brewed-${n}`)} serve --port={port}`,
    });
    t.match(await up(), { adopted: false }, bin);
    const { stdout } = await host.run(`cat ~/.local/state/towline/backends/*/brewed-${n}/log.1`);
    t.match(stdout, new RegExp(`^dev\n/.*/bin:.*${bin.replaceAll('.', '\\.')}(:|$)`, 'm'));
  }
});

test('a host without flock and setsid serves as well, and without perl too', async (t) => {
  const container = await startContainer(t);
  await container.exec('rm /usr/bin/flock /usr/bin/setsid');
  for (const without of ['true', 'rm -f /usr/bin/perl*']) {
    await container.exec(without);
    const name = without === 'true' ? 'perl' : 'nohup';
    const link = await openTestLink(t, container);
    const first = await launching(t, link, { ...mains, name });
    const both = await Promise.all([
      first.up(),
      launching(t, await openTestLink(t, container), { ...mains, name }).then(({ up }) => up()),
    ]);
    t.same(both.map(({ adopted }) => adopted).sort(), [false, true]);
    link.close();
    const again = await launching(t, await openTestLink(t, container), { ...mains, name });
    t.match(await again.up(), { adopted: true, run: both[0].run, says: both[0].says });
    t.equal(await marked(container, both[0].run), 1);
    // Whoever died with the lock does not hold it for ever.
    await again.host.run(`cd ~/.local/state/towline/backends/*/${name} && mv lock.d/free lock.d/held.1.1`);
    t.match(await again.up(), { adopted: true });
  }
});

test('another user on the port of a backend is named, and never taken for it', async (t) => {
  const container = await startContainer(t);
  const link = await openTestLink(t, container);
  const squat = `setsid ${BACKEND_COMMAND} http --port=8787 >/dev/null 2>&1 & until grep -q :2253 /proc/net/tcp; do sleep 0.1; done`;
  await container.exec(squat, { user: 'pat' });
  const uid = (await container.exec('id -u pat')).stdout.trim();
  const fixed = await launching(t, link, { ...mains, port: 8787 });
  await t.rejects(fixed.up(), {
    code: 'LAUNCH_PORT_TAKEN',
    message: new RegExp(`^port 8787 on dev@.* is taken by a process of uid ${uid} \\(pat\\), pid unknown; `),
  });
  const printed = await launching(t, link, {
    ...mains,
    command: 'echo "mains backend listening on ws://127.0.0.1:8787"; exec sleep 1000',
    deadline: '3s',
  });
  await t.rejects(printed.up(), {
    code: 'BACKEND_FOREIGN',
    message: new RegExp(`^port 8787 on dev@.* belongs to a process of uid ${uid} \\(pat\\)`),
  });
});

test('after a restart of the machine a new backend is started', async (t) => {
  const container = await startContainer(t);
  const first = await (await launching(t, await openTestLink(t, container), mains)).up();
  await container.restart();
  const second = await (await launching(t, await openTestLink(t, container), mains)).up();
  t.match(second, { adopted: false });
  t.not(second.run, first.run);
});

test('a login shell that lets nobody in is told with its words', async (t) => {
  const container = await startContainer(t);
  await container.exec('usermod -s /usr/sbin/nologin dev');
  const { up } = await launching(t, await openTestLink(t, container), mains);
  await t.rejects(up(), {
    code: 'REMOTE_REFUSED',
    message: /^the login shell of dev@.* did not run the probe \(it said "This account is currently not available\."\)/,
  });
});
