import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import type { Owner } from '../fixtures/temp.ts';
import { configure } from './configured.ts';

const yaml = `# the relays of this machine
relays:
  db: # the database
    host: bastion
    forwards: ["5432:db:5432"]

  # mine
  notebook: { host: me@10.0.0.7, forwards: ["0:127.0.0.1:8888"] }
`;

function write(t: Owner, name: string, text: string): string {
  const file = join(homeOf(t), name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

// biome-ignore format: a table is read by its columns
const wrong: readonly (readonly [words: readonly string[], code: number, sentence: RegExp])[] = [
  [['add'],                                           64, /add needs a NAME for the relay; write `towline add NAME --host HOST`/],
  [['add', 'new'],                                    64, /add needs --host: an alias of ssh_config or \[user@\]host\[:port\]/],
  [['add', '--host', 'devbox'],                       64, /add needs a NAME/],
  [['add', 'a/b', '--host', 'h'],                     64, /NAME: "a\/b" is not a relay name; expected letters, digits, - _ \./],
  [['add', 'db', '--host', 'h'],                      64, /NAME: .*towline\.yaml:3 has a relay "db" already; expected another name, such as db-2/],
  [['add', 'new', '--host', 'a;b'],                   78, /--host: the character ";" is not allowed in a host .*\[HOST_INVALID\]/],
  [['add', 'new', '--host=-oProxyCommand=x'],         78, /--host: .*begins with "-", as an option of ssh would/],
  [['add', 'new', '--host', 'h', '--port', '70000'],  64, /--port: port 70000 is out of range; expected a port from 1 to 65535/],
  [['add', 'new', '--host', 'h', '--port', '22x'],    64, /--port: "22x" is not a port/],
  [['add', 'new', '--host', 'h', '--listen', '5432'], 64, /--listen: 127\.0\.0\.1:5432 is taken by relay "db"/],
  [['add', 'new', '--host', 'h', '--lisen', '1'],      64, /has no option --lisen; did you mean --listen\?/],
  [['add', 'new', 'more', '--host', 'h'],             64, /"more" is one word too many/],
  [['add', 'new', '--host', 'h', '--config', 'x.js'], 78, /x\.js is neither \.json nor \.yaml/],
  [['remove'],                                        64, /remove needs the name of a relay; there are db, notebook/],
  [['remove', 'db'],                                  64, /nobody to ask; add --yes/],
  [['remove', 'dbs', '--yes'],                         66, /no relay is called "dbs"; did you mean "db"\?/],
  [['rename', 'db'],                                  64, /rename needs the name of a relay and a new one/],
  [['rename', 'dbs', 'x'],                             66, /did you mean "db"\?/],
  [['rename', 'db', 'notebook'],                      64, /towline\.yaml:8 has a relay "notebook" already/],
  [['rename', 'db', 'a b'],                           64, /"a b" is not a relay name/],
];

for (const [words, code, sentence] of wrong) {
  test(`towline ${words.join(' ')}: refused in one sentence, and nothing is written`, async (t) => {
    const file = write(t, 'towline.yaml', yaml);
    const ended = await runTowline(t, words);
    t.equal(ended.code, code);
    t.match(ended.stderr.trimEnd(), sentence);
    t.equal(ended.stderr.trimEnd().split('\n').length, 1);
    t.equal(readFileSync(file, 'utf8'), yaml);
  });
}

test('add makes a config where there is none, and says what to run; up and check accept it', async (t) => {
  const home = homeOf(t);
  makeKeyPair(join(home, '.ssh', 'id_ed25519'));
  const file = join(home, '.config/towline/config.json');
  const first = await runTowline(t, ['add', 'dev-box', '--host', 'devbox']);
  t.match(first, { code: 0, stderr: '' });
  t.equal(
    first.stdout,
    `made ${file}, for your eyes only (0600)
added dev-box at ${file}:3: 127.0.0.1:8787 -> devbox -> 127.0.0.1:8787
warning: no host key of ${userInfo().username}@devbox:22 is known here; \`towline trust devbox\` shows it and asks
start it with \`towline up --detach\`
if its backend has a token, \`towline token set dev-box\` takes it
a UI gets its address and token by \`towline url dev-box\`, the token alone by \`towline token dev-box --copy\`
`,
  );
  t.equal(statSync(file).mode & 0o777, 0o600);
  const second = await runTowline(t, ['add', '--host', 'me@10.0.0.7:22', 'second']);
  t.match(second.stdout, `added second at ${file}:4: 127.0.0.1:0 -> me@10.0.0.7:22 -> 127.0.0.1:8787`);
  t.match(second.stdout, /\nits port here is chosen at the first start, and kept; `towline status second` shows it\n/);
  const third = await runTowline(t, ['add', 'third', '--host', 'h', '--port', '9', '--listen', '[::1]:4711']);
  t.equal(third.code, 0);
  t.equal(
    readFileSync(file, 'utf8'),
    `{
  "relays": {
    "dev-box": { "host": "devbox", "forwards": ["8787"] },
    "second": { "host": "me@10.0.0.7:22", "forwards": ["0:127.0.0.1:8787"] },
    "third": { "host": "h", "forwards": ["[::1]:4711:127.0.0.1:9"] }
  }
}
`,
  );
  t.match(await runTowline(t, ['check']), { code: 0, stdout: /well, 3 relays/ });
});

test('a host that is nearly an alias is asked about, one that something knows is not', async (t) => {
  const ssh = 'Host devbox prod-db\n  User ml\nHost dev*\n  HostName %h.example.net\n';
  writeFileSync(join(homeOf(t), '.ssh/config'), ssh, { mode: 0o600 });
  const key = readFileSync(`${makeKeyPair(join(homeOf(t), 'k')).file}.pub`, 'utf8');
  writeFileSync(join(homeOf(t), '.ssh/known_hosts'), `prod-dc ${key}`, { mode: 0o600 });
  const add = async (name: string, host: string) => (await runTowline(t, ['add', name, '--host', host])).stdout;
  t.match(
    await add('a', 'me@prd-db:22'),
    /ssh_config has no host me@prd-db:22; did you mean prod-db\? .*config\.json:3$/m,
  );
  for (const host of ['prod-db', 'prod-dc', 'devbix', '10.0.0.7', 'elsewhere']) {
    t.notMatch(await add(`x-${host}`, host), /did you mean/, host);
  }
});

test('an alias that no relay could have, and commands of ssh_config, do not matter to a suggestion', async (t) => {
  const ran = join(homeOf(t), 'ran');
  const ssh = `Host dev/old\nHost prod-db\nMatch originalhost prod-bd exec "echo x >>${ran}"\n  User ml\n`;
  writeFileSync(join(homeOf(t), '.ssh/config'), ssh, { mode: 0o600 });
  const { stdout } = await runTowline(t, ['add', 'a', '--host', 'prod-bd']);
  t.match(stdout, /did you mean prod-db\?/);
  t.equal(readFileSync(ran, 'utf8'), 'x\n', 'once, for what is said of the config');
});

test('a token that was set by hand goes with its relay: rename moves it, remove forgets it, and both say so', async (t) => {
  write(t, 'towline.yaml', yaml);
  t.match(await runTowline(t, ['token', 'set', 'db'], { input: 'a-secret-of-db\n' }), { code: 0 });
  const renamed = await runTowline(t, ['rename', 'db', 'base']);
  t.match(renamed.stdout, /\nthe token that was set for it is kept under the new name\n/);
  t.match(await runTowline(t, ['token', 'base', '--print']), { code: 0, stdout: /a-secret-of-db/ });
  t.not((await runTowline(t, ['token', 'db', '--print'])).code, 0);
  const removed = await runTowline(t, ['remove', 'base', '--yes']);
  t.match(removed.stdout, /\nforgot the token that was set for it\n/);
  t.not((await runTowline(t, ['token', 'base', '--print'])).code, 0);
  t.notMatch(`${renamed.stdout}${removed.stdout}`, /secret/);
});

test('add takes a host as a URI, and a user of a Windows domain', async (t) => {
  for (const [name, host] of [
    ['uri', 'ssh://me@10.0.0.7:2222'],
    ['domain', 'ACME\\nina@10.0.0.7'],
  ] as const) {
    t.match(await runTowline(t, ['add', name, '--host', host]), { code: 0 });
  }
  const { stdout } = await runTowline(t, ['explain', 'ssh://me@10.0.0.7:2222']);
  t.match(stdout, /is me@10\.0\.0\.7:2222/);
  makeKeyPair(join(homeOf(t), '.ssh', 'id_ed25519'));
  t.match(await runTowline(t, ['check']), { code: 0, stdout: /well, 2 relays/ });
});

test('a config that is named is made and changed, whatever else is found', async (t) => {
  const file = write(t, 'towline.yaml', yaml);
  writeFileSync(join(homeOf(t), '.ssh/config'), 'Host h\n  ProxyCommand nc %Q\n', { mode: 0o600 });
  const named = await runTowline(t, ['add', 'x', '--host', 'h', '--config', 'other/mine.yml']);
  t.equal(named.code, 0);
  t.equal(
    readFileSync(join(homeOf(t), 'other/mine.yml'), 'utf8'),
    'relays:\n  x:\n    host: h\n    forwards: ["8787"]\n',
  );
  t.match(named.stdout, /start it with `towline up --detach --config .*other\/mine\.yml`\n/);
  t.match(named.stdout, /^it cannot start yet: .*\[SSH_CONFIG_INVALID\]$/m, 'it says what check would say');
  t.equal(readFileSync(file, 'utf8'), yaml);
});

test('of two configs in a folder the one that is not read is named; a named one has no rival', async (t) => {
  const json = write(t, 'towline.json', '{ "relays": { "a": { "host": "h", "forwards": ["1"] } } }');
  const other = write(t, 'towline.yaml', yaml);
  const sentence = `towline: warning: ${json} is read, and ${other} beside it is not; keep one, or name one with --config\n`;
  for (const words of [
    ['check'],
    ['hosts'],
    ['doctor', 'a'],
    ['add', 'new', '--host', '10.0.0.7'],
    ['remove', 'new', '-y'],
  ]) {
    t.equal((await runTowline(t, words)).stderr, sentence, words.join(' '));
  }
  t.equal((await runTowline(t, ['up', '--detach'])).stderr, sentence);
  t.equal((await runTowline(t, ['down'])).stderr, '');
  t.equal((await runTowline(t, ['check', '--config', 'towline.yaml'])).stderr, '');
  t.equal(readFileSync(other, 'utf8'), yaml);
});

test('add, rename and remove keep comments and layout, and come back to the same bytes', async (t) => {
  const file = write(t, 'towline.yaml', yaml);
  t.match(await runTowline(t, ['add', 'new', '--host', 'h']), { code: 0 });
  t.equal(readFileSync(file, 'utf8'), `${yaml}\n  new: { host: "h", forwards: ["8787"] }\n`);
  const renamed = await runTowline(t, ['rename', 'notebook', 'lab']);
  t.match(renamed.stdout, /^renamed notebook to lab in .*towline\.yaml\na port that was chosen for it is not kept/);
  t.equal(
    readFileSync(file, 'utf8'),
    `${yaml.replace('notebook:', 'lab:')}\n  new: { host: "h", forwards: ["8787"] }\n`,
  );
  t.match(await runTowline(t, ['rename', 'lab', 'notebook']), { code: 0 });
  t.match(await runTowline(t, ['remove', 'new', '-y']), { code: 0, stdout: /^removed new from .*towline\.yaml\n$/ });
  t.equal(readFileSync(file, 'utf8'), yaml);
});

test('rename leaves a launched backend under the name that it was started with, and says so', async (t) => {
  const launched = (name: string, plugins: string) =>
    `    ${name}: { host: h, forwards: ["0:backend"], plugins: [${plugins}] } # it\n`;
  const text = (web: string) =>
    `relays:\n${web}${launched('own', '{ use: launch, command: x, name: mine }')}${launched('short', '{ use: launch, command: x, lifetime: session }')}`;
  const file = write(t, 'towline.yaml', text(launched('web', 'same-user, { use: launch, command: x }')));
  const said = (stdout: string) => stdout.split('\n')[1];
  const web = await runTowline(t, ['rename', 'web', 'site']);
  t.equal(
    said(web.stdout),
    'its backend goes on under its old name: the plugin "launch" of site has "name": "web" now',
  );
  const kept = launched('site', 'same-user, { use: launch, command: x, name: "web" }');
  t.equal(readFileSync(file, 'utf8'), text(kept));
  for (const [name, to] of [
    ['own', 'other'],
    ['short', 'shorter'],
    ['site', 'web'],
  ] as const) {
    const { code, stdout } = await runTowline(t, ['rename', name, to]);
    t.equal(code, 0, name);
    t.notMatch(stdout, /old name/, name);
  }
  t.equal(
    readFileSync(file, 'utf8'),
    text(kept).replace('site:', 'web:').replace('own:', 'other:').replace('short:', 'shorter:'),
  );
});

test('the last relay stays, and so does a config that has problems', async (t) => {
  const text = '{ "relays": { "a": { "host": "h", "forwards": ["1"] } } }';
  const file = write(t, 'towline.json', text);
  const last = await runTowline(t, ['remove', 'a', '--yes']);
  t.match(last, {
    code: 78,
    stderr:
      /a is the only relay of .*towline\.json, and a config needs one; add another first \(`towline add`\), or have a running daemon stop it \(`towline down`\) and delete the file/,
  });
  t.equal(readFileSync(file, 'utf8'), text);
  writeFileSync(file, text.replace('"host"', '"hots"'));
  const broken = await runTowline(t, ['add', 'b', '--host', 'h']);
  t.match(broken, {
    code: 78,
    stderr: /towline\.json:1:22 relays\.a\.hots: unknown key.*\n(.*\n)*towline: the config has/,
  });
  const none = await runTowline(t, ['remove', 'a'], { cwd: join(homeOf(t), 'tmp') });
  t.match(none, { code: 78, stderr: /there is no config file yet; `towline add` would make .*config\.json/ });
});

test('a daemon that runs with the file takes a change over, unless more has changed that would cut somebody', async (t) => {
  await configure(t);
  t.equal((await runTowline(t, ['up', '--detach'])).code, 0);
  const told = (what: string) =>
    new RegExp(`^the daemon \\(pid \\d+\\) has (?:taken it over: ${what}|it already)$`, 'm');
  const add = ['add', 'new', '--host', 'me@127.0.0.1:1', '--listen', '0'];
  t.match((await runTowline(t, add)).stdout, told('added new'));
  t.match((await runTowline(t, ['status'])).stdout, /^new +(connecting|blocked)/m);
  t.match((await runTowline(t, ['rename', 'new', 'newer'])).stdout, told('added newer; removed new'));
  t.match((await runTowline(t, ['remove', 'newer', '--yes'])).stdout, told('removed newer'));
  t.notMatch((await runTowline(t, ['status'])).stdout, /^new/m);
  mkdirSync(join(homeOf(t), 'tmp/x'));
  const other = await runTowline(t, ['add', 'new', '--host', 'h'], { cwd: join(homeOf(t), 'tmp/x') });
  t.match(other.stdout, /a daemon \(pid \d+\) runs with another config, .*towline\.json$/m);
  t.equal((await runTowline(t, ['down', '--now'])).code, 0);
});

test('completion offers the relays of the config to rename and remove', async (t) => {
  write(t, 'towline.yaml', yaml);
  for (const command of ['rename', 'remove']) {
    const { stdout } = await runTowline(t, ['--get-yargs-completions', 'towline', command, '']);
    t.match(stdout, /^db\nnotebook\n/, command);
  }
  t.notOk(existsSync(join(homeOf(t), '.config/towline')));
});
