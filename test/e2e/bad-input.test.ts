import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';

const relay = (rest: string) => `{ "relays": { "r": { "host": "h", "forwards": ["8080"]${rest} } } }`;

/** What stands in the config file, what follows `towline`, the exit code, and what the user reads. */
const rows: readonly (readonly [string, string | null, readonly string[], number, RegExp])[] = [
  ['no config', null, ['up'], 78, /no config file|CONFIG_MISSING/],
  ['an empty file', '', ['up'], 78, /empty/],
  ['no JSON', '{ relays', ['up'], 78, /towline\.json:1:\d+/],
  ['an unknown key', relay(', "frowards": []'), ['up'], 78, /unknown key.*did you mean "?forwards/s],
  ['a port that is none', relay('').replace('8080', '70000'), ['up'], 78, /70000/],
  ['a dangerous host', relay('').replace('"h"', '"-oProxyCommand=id"'), ['up'], 78, /begins with "-"/],
  [
    'a check of host keys that is off',
    relay(', "hostKeyCheck": "no"'),
    ['up'],
    78,
    /relays\.r\.hostKeyCheck: unknown key/,
  ],
  ['any host key', relay(', "hostKeyCheck": "accept-any"'), ['up'], 78, /relays\.r\.hostKeyCheck: unknown key/],
  ['an agent that is forwarded', relay(', "forwardAgent": true'), ['up'], 78, /relays\.r\.forwardAgent: unknown key/],
  ['a listener for everyone', relay('').replace('"8080"', '"0.0.0.0:8080:h:80"'), ['up'], 78, /expose/],
  ['a prototype', relay(', "__proto__": {}'), ['up'], 78, /__proto__.*not allowed/],
  ['a name with a slash', relay('').replace('"r"', '"a/b"'), ['up'], 78, /a\/b/],
  ['lanes without end', relay(', "lanes": 99'), ['up'], 78, /lanes/],
  ['a duration that is none', relay(', "drain": "soon"'), ['up'], 78, /soon/],
  ['a plugin from the web', relay(', "plugins": ["https://evil.test/x.js"]'), ['up'], 78, /evil\.test/],
  ['an unknown flag', relay(''), ['up', '--frobnicate'], 64, /frobnicate/],
  ['an unknown command', relay(''), ['upp'], 64, /did you mean "up"/],
  ['a config that is a folder', null, ['up', '--config', '.'], 78, /folder|directory|regular file/],
  ['a config that is not there', null, ['check', '--config', 'nowhere.json'], 78, /nowhere\.json/],
  ['a relay without a daemon', relay(''), ['status', 'r'], 69, /no towline daemon runs/],
  ['down without a daemon', relay(''), ['down'], 69, /no towline daemon runs/],
];

test('bad input gets a sentence, a code and the right exit code, and starts nothing', async (t) => {
  for (const [name, config, args, code, said] of rows) {
    const dir = join(homeOf(t), name.replaceAll(' ', '-'));
    mkdirSync(dir, { mode: 0o700 });
    if (config !== null) writeFileSync(join(dir, 'towline.json'), config, { mode: 0o600 });
    const result = await runTowline(t, args, { cwd: dir });
    t.equal(result.code, code, name);
    t.match(result.stderr, said, name);
    t.notMatch(result.stderr, /^\s+at /m, `${name}: no stack trace`);
    t.notOk(existsSync(join(homeOf(t), 'run', 'towline.sock')), `${name}: nothing was started`);
  }
});

test('a config that others may write is refused', async (t) => {
  const dir = join(homeOf(t), 'shared');
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(dir, 'towline.json'), relay(''));
  chmodSync(join(dir, 'towline.json'), 0o666);
  const result = await runTowline(t, ['up'], { cwd: dir });
  t.match(result, { code: 78, stderr: /can be written by others.*chmod go-w.*\[CONFIG_UNSAFE\]/s });
});

/** FAULTS T01 to T04: what must not reach ssh, nor a shell. */
const hosts = [
  ['-oProxyCommand=touch x', 'u@-oProxyCommand=touch', '-x@h', 'u -o@h', 'u\nid@h', '$[+]\nid@h', 'u;id@h', 'u\\@h'],
  [...'\'"`$\\;&<>|(){}, \t'].map((one) => `a${one}b`),
  ['a$(id)', 'ssh://u%00@h', 'ssh://h:0', '[::1', 'h:70000', 'h:0', 'h:2000blah', ''],
].flat();

test('every host that must not reach ssh is refused at its place, all of them at once, and nothing is run', async (t) => {
  const dir = join(homeOf(t), 'hosts');
  mkdirSync(dir, { mode: 0o700 });
  const relays = hosts.map((host, index) => `    "r${index}": { "host": ${JSON.stringify(host)}, "forwards": ["1"] }`);
  const text = `{\n  "relays": {\n${relays.join(',\n')}\n  }\n}\n`;
  writeFileSync(join(dir, 'towline.json'), text, { mode: 0o600 });
  const { code, stdout } = await runTowline(t, ['check'], { cwd: dir });
  t.equal(code, 78);
  for (const [index, host] of hosts.entries()) {
    t.match(stdout, new RegExp(`towline\\.json:${index + 3}:\\d+.*relays\\.r${index}\\.host: `), JSON.stringify(host));
  }
  t.notMatch(stdout, /[^\n\P{Cc}]/u, 'what is shown cannot act on a terminal');
  t.notOk(existsSync(join(dir, 'x')));
});
