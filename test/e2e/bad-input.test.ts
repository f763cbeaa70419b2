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
