import { readdirSync } from 'node:fs';
import { test } from 'tap';
import { checkConfig, formatProblem, type Problem } from '../../../src/core/config/load.ts';
import { detectTime, fastKeepalive } from '../../../src/core/model/config.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { invalid } from './invalid.ts';
import { copyTo, inCheckout } from './place.ts';

const folder = inCheckout('test/fixtures/config');

function brief({ line, column, path, message, suggestion }: Problem): string {
  const where = path === '' ? '' : `${path}: `;
  return `${line}:${column} ${where}${message}${suggestion === undefined ? '' : ` -> ${suggestion}`}`;
}

test('every invalid fixture has a row, and every row a fixture', (t) => {
  t.strictSame(readdirSync(`${folder}/invalid`).sort(), Object.keys(invalid).sort());
  t.ok(Object.keys(invalid).length > 60, 'the folder is not empty');
  t.end();
});

test('an invalid file is refused with all its problems, each at its place', (t) => {
  const home = makeTemp(t, 'config');
  for (const [name, rows] of Object.entries(invalid)) {
    const checked = checkConfig(copyTo(home, `${folder}/invalid/${name}`), { home });
    t.strictSame('problems' in checked ? checked.problems.map(brief) : 'accepted', rows, name);
  }
  t.end();
});

test('no problem repeats a secret, says nothing, or sends a control character to the terminal', (t) => {
  const home = makeTemp(t, 'config');
  for (const name of Object.keys(invalid)) {
    const checked = checkConfig(copyTo(home, `${folder}/invalid/${name}`), { home });
    for (const problem of 'problems' in checked ? checked.problems : []) {
      const line = formatProblem(problem, home);
      t.match(line, new RegExp(`^${name.replaceAll('.', '\\.')}:\\d+:\\d+ .{10}`), name);
      t.notMatch(line, /[^\x20-\x7e]|hunter2|7e1/, name);
    }
  }
  t.end();
});

test('every valid fixture is accepted', (t) => {
  const home = makeTemp(t, 'config');
  const names = readdirSync(`${folder}/valid`);
  t.ok(names.length >= 4, 'the folder is not empty');
  for (const name of names) {
    const checked = checkConfig(copyTo(home, `${folder}/valid/${name}`), { home });
    t.strictSame('problems' in checked ? checked.problems.map(brief) : [], [], name);
  }
  t.end();
});

test('a keepalive of one word is a second, three times over', (t) => {
  const home = makeTemp(t, 'config');
  const checked = checkConfig(copyTo(home, `${folder}/valid/forms.json`), { home });
  const [relay] = 'config' in checked ? checked.config.relays : [];
  t.strictSame(relay?.keepalive, { interval: 1_000, count: 3 });
  t.equal(detectTime(fastKeepalive), 4_000);
  t.end();
});

test('defaults stand under each relay, key by key, and relays keep the order of the file', (t) => {
  const home = makeTemp(t, 'config');
  const checked = checkConfig(copyTo(home, `${folder}/valid/defaults.yaml`), { home });
  const config = 'config' in checked ? checked.config : null;
  const [first, second] = config?.relays ?? [];
  t.equal(config?.sshConfig, `${home}/other_config`);
  t.match(first, { name: '80', lanes: 2, isolation: 'relay', start: true, memory: 512 * 1024 ** 2 });
  t.strictSame(first?.keepalive, { interval: 10_000, count: 3 });
  t.strictSame(first?.deadlines, { tcp: 1_000, greeting: 5_000, keyExchange: 10_000, auth: 60_000, open: 5_000 });
  t.strictSame(first?.plugins, [
    { use: 'audit', from: home, place: `${home}/defaults.yaml:11:15 relays.80.plugins[0]`, options: {}, deadlines: {} },
    {
      use: `${home}/guests/mine.js`,
      from: home,
      place: `${home}/defaults.yaml:11:22 relays.80.plugins[1]`,
      options: { depth: { any: [1.5, true] } },
      deadlines: {},
    },
  ]);
  t.match(second, { name: 'b', lanes: 1, isolation: 'shared', keepalive: null, start: false });
  t.equal(second?.deadlines.tcp, 1_000);
  t.end();
});
