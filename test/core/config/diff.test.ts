import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { diffConfigs, isEmpty } from '../../../src/core/config/diff.ts';
import { loadConfig } from '../../../src/core/config/load.ts';
import { matchForwards } from '../../../src/core/config/match-forwards.ts';
import type { Config } from '../../../src/core/model/config.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';

const plain = { host: 'h', forwards: ['1000'] };
const plugin = { use: './guest.js', limits: { a: [1, { b: 2 }] } };

function parse(t: Owner, relays: Readonly<Record<string, unknown>>, sshConfig: string | null = null): Config {
  const file = join(makeTemp(t, 'diff'), 'towline.json');
  writeFileSync(file, JSON.stringify({ ...(sshConfig === null ? {} : { sshConfig }), relays }), { mode: 0o600 });
  // The folder of a config is where its plugins are searched for: both are as of one folder.
  return JSON.parse(JSON.stringify(loadConfig(file)).replaceAll(join(file, '..'), '/folder'));
}

// biome-ignore format: a table is read by its columns
const changes: readonly (readonly [what: string, before: object, after: object, keys: readonly string[], anew: boolean, ends: boolean])[] = [
  ['nothing',                     {},                                {},                                     [],                    false, false],
  ['what is the default already', {},                                { lanes: 1, hold: { time: '10s' } },    [],                    false, false],
  ['the host',                    {},                                { host: 'other' },                      ['host'],              true,  true],
  ['a forward',                   {},                                { forwards: ['1001'] },                 ['forwards'],          true,  true],
  ['a part of a health check',    {},                                { forwards: [{ listen: 1000, target: '127.0.0.1:1000', health: 'tcp' }] }, ['forwards'], true, true],
  ['hold and connections',        {},                                { hold: { time: '1s' }, connections: 9 }, ['hold', 'connections'], false, false],
  ['memory',                      {},                                { memory: '2GiB' },                     ['memory'],            false, false],
  ['start, from true',            {},                                { start: false },                       ['start'],             false, true],
  ['start, to true',              { start: false },                  {},                                     ['start'],             false, false],
  ['an option of a plugin',       { plugins: [plugin] },             { plugins: [{ ...plugin, limits: { a: [1, { b: 3 }] } }] }, ['plugins'], true, true],
  ['the order of such options',   { plugins: [plugin] },             { plugins: [{ limits: plugin.limits, use: plugin.use }] }, [], false, false],
  ['a deadline',                  {},                                { deadlines: { open: '6s' } },          ['deadlines'],         true,  true],
  ['drain',                       {},                                { drain: '1s' },                        ['drain'],             true,  true],
];

for (const [what, before, after, keys, anew, ends] of changes) {
  test(`a change of ${what}`, (t) => {
    const diff = diffConfigs(parse(t, { a: { ...plain, ...before } }), parse(t, { a: { ...plain, ...after } }));
    if (keys.length === 0) t.strictSame(diff, { added: [], removed: [], changed: [], unchanged: ['a'] });
    else t.match(diff, { changed: [{ name: 'a', anew, ends }], unchanged: [] });
    t.strictSame([...(diff.changed[0]?.keys ?? [])].sort(), [...keys].sort());
    t.equal(isEmpty(diff), keys.length === 0);
    t.end();
  });
}

test('relays are told apart by their names, in the order of the files; defaults count for all', (t) => {
  const before = parse(t, { a: plain, b: { ...plain, forwards: ['2000'] }, c: { ...plain, forwards: ['3000'] } });
  const after = parse(t, {
    d: { ...plain, forwards: ['2000'] },
    c: { ...plain, host: 'x', forwards: ['3000'] },
    a: plain,
  });
  t.match(diffConfigs(before, after), { added: ['d'], removed: ['b'], changed: [{ name: 'c' }], unchanged: ['a'] });
  t.ok(isEmpty(diffConfigs(before, before)));
  t.end();
});

test('another ssh_config changes every relay', (t) => {
  const diff = diffConfigs(parse(t, { a: plain }), parse(t, { a: plain }, '/etc/other'));
  t.match(diff.changed, [{ name: 'a', keys: ['sshConfig'], anew: true, ends: true }]);
  t.end();
});

// biome-ignore format: a table is read by its columns
const matches: readonly (readonly [what: string, before: readonly string[], after: readonly string[], was: readonly (number | null)[]])[] = [
  ['the same',                           ['1', '2'],               ['1', '2'],               [0, 1]],
  ['another order',                      ['1', '2'],               ['2', '1'],               [1, 0]],
  ['the first one gone',                 ['1', '2'],               ['2'],                    [1]],
  ['another target',                     ['1:a:9'],                ['1:b:9'],                [0]],
  ['two free ports, the first one gone', ['0:a:1', '0:a:2'],       ['0:a:2'],                [1]],
  ['two free ports, one target changed', ['0:a:1', '0:a:2'],       ['0:a:3', '0:a:2'],       [0, 1]],
  ['a free port more, before the other', ['0:a:2'],                ['0:a:1', '0:a:2'],       [null, 0]],
  ['equal ones',                         ['0:a:1', '0:a:1'],       ['0:a:1', '0:a:1', '0:a:1'], [0, 1, null]],
  ['another address',                    ['1:a:9'],                ['[::1]:1:a:9'],          [null]],
  ['a Unix socket',                      ['unix:/a:h:1'],          ['unix:/a:h:2', 'unix:/b:h:1'], [0, null]],
];

for (const [what, before, after, was] of matches) {
  test(`listeners that go on: ${what}`, (t) => {
    const forwards = (texts: readonly string[]) =>
      parse(t, { a: { ...plain, forwards: texts } }).relays[0]?.forwards ?? [];
    t.strictSame(matchForwards(forwards(before), forwards(after)), was);
    t.end();
  });
}

test('a remote listener does not go on: it is of a link that ends; a SOCKS one may become a local one', (t) => {
  const forwards = (...all: readonly object[]) =>
    parse(t, { a: { ...plain, forwards: all } }).relays[0]?.forwards ?? [];
  const remote = { kind: 'remote', listen: 1000, target: '127.0.0.1:1' };
  t.strictSame(matchForwards(forwards(remote), forwards(remote)), [null]);
  t.strictSame(
    matchForwards(forwards({ kind: 'dynamic', listen: 1000 }), forwards({ listen: 1000, target: '127.0.0.1:1' })),
    [0],
  );
  t.strictSame(matchForwards(forwards(remote), forwards({ listen: 1000, target: '127.0.0.1:1' })), [null]);
  t.end();
});
