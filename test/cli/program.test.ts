import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { commands } from '../../src/cli/commands.ts';
import { commandManual, manual } from '../../src/cli/manual.ts';
import { faults } from '../../src/core/model/fault-table.ts';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { makeTemp } from '../fixtures/temp.ts';

// biome-ignore format: a table is read by its columns
const wrong: readonly (readonly [words: string, code: number, sentence: RegExp])[] = [
  ['',                              64, /^towline: name a command; see `towline --help` \[USAGE\]$/],
  ['foo',                           64, /there is no command "foo"; see `towline --help`/],
  ['statsu',                        64, /there is no command "statsu"; did you mean "status"\?/],
  ['stauts',                        64, /there is no command "stauts"; did you mean "status"\?/],
  ['token set',                     64, /^towline: token set needs the name of a relay; see `towline token --help` \[USAGE\]$/],
  ['token forget',                  64, /^towline: token forget needs the name of a relay/],
  ['help stat',                     64, /there is no command "stat"; did you mean "status"\?/],
  ['foo --help',                    64, /there is no command "foo"; see `towline --help`/],
  ['stat',                          64, /there is no command "stat"; did you mean "status"\?/],
  ['explain root:hunter2@h',        78, /^towline: a password stands in "root:\*\*\*@h"; expected .* `towline unlock` asks .* \[HOST_INVALID\]$/],
  ['trust ssh://root:hunter2@h:22', 78, /^towline: a password stands in "ssh:\/\/root:\*\*\*@h:22"; expected /],
  ['doctor root:hunter2@h',         78, /^towline: a password stands in "root:\*\*\*@h"; expected /],
  ['add x --host root:hunter2@h',   78, /^towline: --host: a password stands in "root:\*\*\*@h"; expected /],
  ['status --jsn',                  64, /has no option --jsn; did you mean --json\?/],
  ['status a b',                    64, /^towline: "b" is one word too many; see `towline status --help` \[USAGE\]$/],
  ['up --detatch',                  64, /towline up has no option --detatch; did you mean --detach\?/],
  ['status --config x',             64, /towline status has no option --config; see `towline status --help`/],
  ['--config /nope.js status',      64, /^towline: towline status has no option --config; see `towline status --help`/],
  ['-F /nope status',               64, /^towline: towline status has no option -F; see `towline status --help`/],
  ['--config=/nope check',          78, /^towline: there is no config file \/nope; write it, or name another with --config/],
  ['check --config /nope',          78, /^towline: there is no config file \/nope; write it, or name another with --config/],
  ['check --config .ssh',           78, /\.ssh is a folder; name a regular file/],
  ['logs -n20',                     69, /there is no log at/],
  ['logs -x',                       64, /towline logs has no option -x/],
  ['-- status',                     64, /name a command/],
  ['status -- nope more',           64, /"more" is one word too many/],
  ['stop -- -x',                    64, /"-x" is one word too many/],
  ['-x status',                     64, /towline has no option -x; see `towline --help`/],
  ['--jsn=1',                       64, /towline has no option --jsn; see `towline --help`/],
  ['completion fish',               64, /no completion script for fish; name bash or zsh/],
  ['start',                         64, /start needs the name of a relay/],
  ['up --config',                   64, /--config needs a value: --config FILE; see `towline up --help` \[USAGE\]$/],
  ['up --config --detach',          64, /--config needs a value: --config FILE/],
  ['logs -fn',                      64, /--lines needs a value: --lines N/],
  ['explain box -F',                64, /-F needs a value: -F FILE; see `towline explain --help`/],
  ['--config',                      64, /^towline: --config needs a value, and a command behind it/],
  ['up --config=',                  64, /--config needs a value/],
  ['up --config a --config b',      64, /--config was given 2 times/],
  ['up --detach --json',            64, /--detach and --json cannot go together/],
  ['up --detach --exit-on-failure', 64, /--detach and --exit-on-failure cannot go together/],
  ['events --after abc',            64, /--after abc is no number/],
  ['events --after -1',             64, /.+/],
  ['logs --lines 1.5',              64, /--lines 1.5 is no number/],
  ['status',                        69, /no towline daemon runs; start one with `towline up --detach` \[NOT_RUNNING\]$/],
  ['status dev-box --json',         69, /NOT_RUNNING/],
  ['down',                          69, /NOT_RUNNING/],
  ['restart dev-box',               69, /NOT_RUNNING/],
  ['events --json',                 69, /NOT_RUNNING/],
  ['logs',                          69, /there is no log at .* yet/],
  ['up',                            78, /no config file in .*; `towline add` makes one, or name a file with --config \[CONFIG_MISSING\]$/],
  ['check --config missing.json',   78, /missing\.json.* \[CONFIG_MISSING\]$/],
];

for (const [words, code, sentence] of wrong) {
  test(`towline ${words}: one sentence on stderr, exit ${code}`, async (t) => {
    const { code: ended, stdout, stderr } = await runTowline(t, words === '' ? [] : words.split(' '));
    t.equal(ended, code);
    t.equal(stdout, '');
    t.match(stderr.trimEnd(), sentence);
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line, no stack');
  });
}

test('--help is the manual, COMMAND --help the page of the command', async (t) => {
  t.same(await runTowline(t, ['--help']), { code: 0, stdout: manual(), stderr: '' });
  const { code, stdout } = await runTowline(t, ['start', '--help']);
  t.equal(code, 0);
  t.match(stdout, /^towline start - .*\n\nUsage:\n {2}towline start RELAY \[OPTIONS\]\n/);
});

test('the manual names every command and every exit code of the fault table, within 80 columns', async (t) => {
  const page = manual();
  for (const { name, text } of commands) t.match(page, new RegExp(`^ {2}${name}\\b.* ${text.slice(0, 20)}`, 'm'), name);
  for (const exit of new Set(Object.values(faults).map((entry) => entry.exit))) {
    t.match(page, new RegExp(`^ {2}${exit} {2}`, 'm'), String(exit));
  }
  const pages = [page, ...commands.map(commandManual)].flatMap((text) => text.split('\n'));
  for (const line of pages) t.ok(line.length <= 80, line);
});

test('version and --version print the version of the package', async (t) => {
  const { stdout } = await runTowline(t, ['version']);
  t.match(stdout, /^\d+\.\d+\.\d+\n$/);
  t.equal((await runTowline(t, ['--version'])).stdout, stdout);
});

test('schema prints a JSON Schema', async (t) => {
  const { code, stdout } = await runTowline(t, ['schema']);
  t.equal(code, 0);
  t.match(JSON.parse(stdout), { type: 'object', properties: { relays: {} } });
});

test('completion prints a script, and the commands are offered', async (t) => {
  t.match((await runTowline(t, ['completion'])).stdout, /towline --get-yargs-completions/);
  const { stdout } = await runTowline(t, ['--get-yargs-completions', 'towline', '']);
  for (const { name } of commands) t.match(stdout, new RegExp(`^${name}$`, 'm'));
});

test('completion offers the hosts of ssh_config where one is to be named', async (t) => {
  writeFileSync(join(homeOf(t), '.ssh/config'), 'Host devbox db-* \nHost far\n', { mode: 0o600 });
  for (const words of [
    ['trust', ''],
    ['explain', 'd'],
    ['doctor', ''],
    ['add', 'x', '--host', ''],
  ]) {
    const { stdout } = await runTowline(t, ['--get-yargs-completions', 'towline', ...words]);
    t.strictSame(stdout.split('\n').slice(0, 2), ['devbox', 'far'], words.join(' '));
  }
  const { stdout } = await runTowline(t, ['--get-yargs-completions', 'towline', 'status', '']);
  t.notMatch(stdout, /devbox/);
});

test('check lists every problem with its place, and exits 78', async (t) => {
  const dir = join(homeOf(t), 'project');
  mkdirSync(dir, { mode: 0o700 });
  const file = join(dir, 'towline.json');
  writeFileSync(
    file,
    '{ "relays": {\n  "a": { "host": "h", "forwads": [] },\n  "b": { "host": "", "forwards": ["x"] } } }\n',
    { mode: 0o600 },
  );
  const { code, stdout } = await runTowline(t, ['check'], { cwd: dir });
  t.equal(code, 78);
  t.match(stdout, /^towline\.json:2:\d+ relays\.a.*forwads/m);
  t.match(stdout, /^towline\.json:3:\d+ relays\.b/m);
  const json = await runTowline(t, ['check', '--json'], { cwd: dir });
  t.match(JSON.parse(json.stdout), { file, problems: [{ line: 2 }] });
  const up = await runTowline(t, ['up'], { cwd: dir });
  t.equal(up.code, 78);
  t.match(up.stderr, /^towline\.json:2:.*\n(.*\n)*towline: the config has \d problems; .*\[CONFIG_INVALID\]\n$/);
});

test('check tells every mistake of every plugin at once, also beside problems of the config itself', async (t) => {
  const file = join(homeOf(t), 'towline.json');
  const write = (lanes: string) =>
    writeFileSync(
      file,
      `{ "relays": {
  "dev": { "host": "h", ${lanes}"forwards": ["0:backend"], "plugins": [
    { "use": "launch", "recipe": "mainz", "port": 99999, "shel": "sh" },
    "./gone.mjs"] },
  "two": { "host": "h", "forwards": ["0:127.0.0.1:1"], "plugins": [{ "use": "same-user", "x": 1, "y": 2 }] } } }\n`,
      { mode: 0o600 },
    );
  const launch =
    /relays\.dev\.plugins\[0\]: plugin launch refuses its options: "shel" is no option; did you mean "shell"\?; /;
  const lines = [
    new RegExp(`^towline\\.json:3:5 ${launch.source}there is no recipe "mainz".*; "port" is 99999; expected`),
    /^towline\.json:4:5 relays\.dev\.plugins\[1\]: there is no plugin file ".*gone\.mjs"; correct the path/,
    /^towline\.json:5:\d+ relays\.two\.plugins\[0\]: plugin same-user takes no option "x", "y"; remove them/,
  ];
  // No host key is asked for: a warning would stand between the lines.
  writeFileSync(join(homeOf(t), '.ssh/config'), 'StrictHostKeyChecking accept-new\n', { mode: 0o600 });
  write('');
  const well = await runTowline(t, ['check']);
  t.equal(well.code, 78);
  t.match(well.stdout.split('\n').slice(0, 3), lines);
  write('"lanez": 3, ');
  const { code, stdout } = await runTowline(t, ['check']);
  t.equal(code, 78);
  t.match(stdout.split('\n'), [
    /^towline\.json:2:25 relays\.dev\.lanez: unknown key; did you mean lanes\?/,
    ...lines,
    '',
  ]);
  const json = JSON.parse((await runTowline(t, ['check', '--json'])).stdout);
  t.match(json.problems, [
    { line: 2 },
    { line: 3, column: 5, path: 'relays.dev.plugins[0]' },
    { line: 4 },
    { line: 5 },
  ]);
});

test('a file that is named as a package is told by its path', async (t) => {
  const file = join(homeOf(t), 'towline.json');
  const relay = { host: 'h', forwards: ['0:127.0.0.1:1'], plugins: ['hours.js', { use: 'gone.js' }] };
  writeFileSync(file, JSON.stringify({ relays: { a: relay } }), { mode: 0o600 });
  const check = async () => (await runTowline(t, ['check'])).stdout;
  t.match(await check(), /^towline\.json:1:\d+ relays\.a\.plugins\[0\]: no plugin is called "hours\.js"/);
  writeFileSync(join(homeOf(t), 'hours.js'), '');
  const told =
    'relays.a.plugins[0]: "hours.js" would be a package, and is a file beside this one; expected "./hours.js"';
  t.match(await check(), told);
  mkdirSync(join(homeOf(t), 'node_modules', 'hours.js'), { recursive: true });
  t.notMatch(await check(), /would be a package/);
});

test('a runtime folder that is not absolute is told so', async (t) => {
  const { code, stderr } = await runTowline(t, ['status'], { env: { TOWLINE_RUNTIME_DIR: 'rel' } });
  t.equal(code, 73);
  t.match(stderr, /^towline: TOWLINE_RUNTIME_DIR is "rel"; give an absolute path, .*\[RUNTIME_UNSAFE\]\n$/);
});

test('a config without problems is well', async (t) => {
  const file = join(homeOf(t), 'towline.json');
  writeFileSync(file, '{ "relays": { "a": { "host": "h", "forwards": ["5432"] } } }', { mode: 0o600 });
  const { publicKey } = makeKeyPair(join(homeOf(t), '.ssh', 'id_ed25519'));
  const check = async () => {
    const { code, stdout } = await runTowline(t, ['check', '--config', file]);
    t.equal(code, 0);
    return stdout;
  };
  const unmet =
    /^a: warning: no host key of \S+@h:22 is known here; `towline trust h` shows it and asks\n.*: well, 1 relay\n$/;
  t.match(await check(), unmet, 'that it would not be let near is no fault of the config');
  writeFileSync(join(homeOf(t), '.ssh/known_hosts'), `h ${publicKey}\n`, { mode: 0o600 });
  t.equal(await check(), `${file}: well, 1 relay\n`);
  writeFileSync(join(homeOf(t), '.ssh/known_hosts'), '');
  writeFileSync(join(homeOf(t), '.ssh/config'), 'StrictHostKeyChecking accept-new\n', { mode: 0o600 });
  t.equal(await check(), `${file}: well, 1 relay\n`);
});

test('TOWLINE_DEBUG=1 adds the stack', async (t) => {
  const { stderr } = await runTowline(t, ['status'], { env: { TOWLINE_DEBUG: '1' } });
  t.match(stderr, /\[NOT_RUNNING\]\n.*\n {4}at /);
});

test('check names what each relay lacks on this machine, loads its plugins and ends with the first fault', async (t) => {
  const home = homeOf(t);
  const { publicKey } = makeKeyPair(join(home, '.ssh', 'id_ed25519'));
  writeFileSync(join(home, '.ssh', 'known_hosts'), `h ${publicKey}\n`, { mode: 0o600 });
  writeFileSync(join(home, '.ssh', 'config'), 'Host odd\n  ProxyCommand nc %h %Q\n  Ciphers aes128-ctr\n', {
    mode: 0o600,
  });
  const guest = (name: string, text: string) => writeFileSync(join(home, `${name}.mjs`), text, { mode: 0o600 });
  guest('loud', "console.log('loud'); export default { name: 'loud', daemon: () => ({ check: () => true }) };\n");
  guest('strict', "export default { name: 'strict', daemon: () => ({ check: () => 'five relays are too many' }) };\n");
  guest('misspelt', "export default { name: 'misspelt', relay: () => ({ admitt: () => true }) };\n");
  guest('thrower', "export default { name: 'thrower', relay: () => { throw new Error('no luck'); } };\n");
  guest('broken', "\nthrow new Error('no licence');\n");
  const forwards = ['0:127.0.0.1:1'];
  const relays = {
    fine: { host: 'h', forwards, plugins: ['./loud.mjs'] },
    odd: { host: 'odd', forwards },
    alone: { host: 'h', forwards, plugins: ['./gone.mjs'] },
    far: { host: 'h', forwards: [{ listen: '192.0.2.1:8080', target: 80, expose: true }] },
    strict: { host: 'h', forwards, plugins: ['./strict.mjs'] },
    broken: { host: 'h', forwards, plugins: ['./broken.mjs'] },
    misspelt: { host: 'h', forwards, plugins: ['./misspelt.mjs'] },
    thrower: { host: 'h', forwards, plugins: ['./thrower.mjs'] },
    secrets: {
      host: 'h',
      forwards: ['0:backend'],
      plugins: [
        {
          use: 'launch',
          env: { API_TOKEN: 'sk-ant-1234', MODE: 'test' },
          command: 'MY_SECRET="hunter2" OTHER_TOKEN="$(cat ~/token)" serve {port}',
        },
      ],
    },
  };
  const file = join(home, 'towline.json');
  writeFileSync(file, JSON.stringify({ relays }), { mode: 0o600 });
  const { code, stdout } = await runTowline(t, ['check']);
  t.equal(code, 78);
  t.match(stdout, /^odd: .*config:2: token "%Q" is not known here.* \[SSH_CONFIG_INVALID\]$/m);
  const at = (relay: string) => `^towline\\.json:1:\\d+ relays\\.${relay}\\.plugins\\[0\\]: `;
  t.match(stdout, new RegExp(`${at('alone')}there is no plugin file ".*gone\\.mjs".* \\[PLUGIN_NOT_FOUND\\]$`, 'm'));
  t.match(stdout, /^far: 192\.0\.2\.1:8080 is no address of this machine.* \[LISTEN_UNAVAILABLE\]$/m);
  const refusal = 'plugin strict refuses the config: five relays are too many; .* \\[CONFIG_INVALID\\]$';
  t.match(stdout, new RegExp(`${at('strict')}${refusal}`, 'm'));
  const broken = 'plugin .*broken\\.mjs cannot be loaded from .*broken\\.mjs:2: no licence; .* \\[PLUGIN_FAILED\\]$';
  t.match(stdout, new RegExp(`${at('broken')}${broken}`, 'm'));
  const misspelt = 'plugin misspelt returned a hook "admitt" .*; did you mean admit\\?.* \\[PLUGIN_FAILED\\]$';
  t.match(stdout, new RegExp(`${at('misspelt')}${misspelt}`, 'm'));
  t.match(stdout, new RegExp(`${at('thrower')}plugin thrower .*no luck.* \\[PLUGIN_FAILED\\]$`, 'm'));
  const secret = (name: string) => new RegExp(`^secrets: warning: ${name} looks like a secret, .* a file there$`, 'm');
  for (const name of ['API_TOKEN', 'MY_SECRET']) t.match(stdout, secret(name));
  t.notMatch(stdout, /sk-ant|hunter2|(?:MODE|OTHER_TOKEN) looks/);
  t.match(stdout, /towline\.json: 7 of 9 relays could not start\n$/);
  t.notMatch(stdout, /^fine|loud/m);
  const missing = await runTowline(t, ['check', '-F', join(makeTemp(t, 'none'), 'nope')]);
  t.match(missing, { code: 78, stdout: /\/nope does not exist/ });
});
