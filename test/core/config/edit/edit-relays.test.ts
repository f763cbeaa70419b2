import { test } from 'tap';
import { editRelays, type Edit } from '../../../../src/core/config/edit/edit-relays.ts';
import { parseConfig } from '../../../../src/core/config/parse.ts';
import type { RelayConfig } from '../../../../src/core/model/config.ts';
import { dice, randomJson, type RandomConfig, randomYaml } from './random-config.ts';

const plugins = [{ use: 'launch', command: 'cd "x y" && npm # {port}', port: 5000 }, { use: 'token' }];
const plain = { host: 'me@host.example:22', forward: '8787' };
const added = (choice: number): Edit => {
  const launched = { ...plain, forward: '8787:backend', plugins };
  return { kind: 'add', name: 'new-one', relay: choice % 2 === 0 ? plain : launched };
};

type Language = 'json' | 'yaml';

/** What the real loader makes of a text. */
function relaysOf(text: string, language: Language): readonly RelayConfig[] {
  const checked = parseConfig(Buffer.from(text), `/x/towline.${language}`, '/home/me');
  // A plugin's place says where it stands.
  const placeless = (relay: RelayConfig) => ({
    ...relay,
    plugins: relay.plugins.map((use) => ({ ...use, place: '' })),
  });
  if ('config' in checked) return checked.config.relays.map(placeless);
  throw new Error(`${JSON.stringify(checked.problems[0])} in\n${text}`);
}

/** How many characters two texts have in common at their ends. */
function commonEnds(a: string, b: string): number {
  const least = Math.min(a.length, b.length);
  let start = 0;
  while (start < least && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < least - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return start + end;
}

/** Every promise that an edit of this text breaks. */
function broken({ text, names }: RandomConfig, language: Language, choice: number): readonly string[] {
  const found: string[] = [];
  const hold = (promise: string, kept: boolean) => void (kept || found.push(promise));
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const before = relaysOf(text, language);
  hold(
    'the text says what was meant',
    same(
      before.map((relay) => relay.name),
      names,
    ),
  );

  const more = editRelays(text, language, added(choice));
  const all = relaysOf(more, language);
  hold('the others are as before', same(all.slice(0, -1), before));
  const last = all.at(-1);
  hold('the new one is the last', last?.name === 'new-one' && last.host === 'me@host.example:22');
  // Where a comment follows the last entry in brackets, its comma goes before the comment.
  hold('one piece is put in', text.includes('#') || commonEnds(text, more) === text.length);
  hold('added and removed', editRelays(more, language, { kind: 'remove', name: 'new-one' }) === text);

  const name = names[choice % names.length] ?? '';
  const other = editRelays(text, language, { kind: 'rename', name, to: 'other.name' });
  const renamed = before.map((relay) => (relay.name === name ? { ...relay, name: 'other.name' } : relay));
  hold('only the name differs', same(relaysOf(other, language), renamed));
  hold('only the name is written', commonEnds(text, other) >= text.length - name.length);
  hold(
    'renamed there and back',
    editRelays(other, language, { kind: 'rename', name: 'other.name', to: name }) === text,
  );

  if (names.length === 1) return found;
  const less = editRelays(text, language, { kind: 'remove', name });
  hold(
    'the rest stays',
    same(
      relaysOf(less, language),
      before.filter((relay) => relay.name !== name),
    ),
  );
  hold('the comments of others stay', same(less.match(/# kept.*/g), text.match(/# kept.*/g)));
  return found;
}

for (const [language, make] of [
  ['json', randomJson],
  ['yaml', randomYaml],
] as const) {
  test(`300 random ${language} texts keep every byte that an edit is not about`, (t) => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 300; seed += 1) {
      const roll = dice(seed);
      const config = make(roll);
      seen.add(config.text);
      const flaws = broken(config, language, roll(8));
      if (flaws.length > 0) t.fail(`seed ${seed}: ${flaws.join('; ')}\n${config.text}`);
    }
    t.ok(seen.size > 290, `${seen.size} different texts`);
    t.end();
  });
}

const devbox = (name: string): Edit => ({ kind: 'add', name, relay: { host: 'devbox', forward: '8787' } });
const keep = (name: string, plugin = 0): Edit => ({ kind: 'rename', name, to: 'b', keep: { plugin, name } });
const remove = (name: string): Edit => ({ kind: 'remove', name });

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [what: string, language: Language, edit: Edit, before: string, after: string])[] = [
  ['an empty file', 'json', devbox('a'), '\n', '{\n  "relays": {\n    "a": { "host": "devbox", "forwards": ["8787"] }\n  }\n}\n'],
  ['an empty file', 'json', { kind: 'add', name: 'a', relay: { host: 'h', forward: '1:backend', plugins: [{ use: 'launch', recipe: 'mains' }] } }, '', '{\n  "relays": {\n    "a": { "host": "h", "forwards": ["1:backend"], "plugins": [{ "use": "launch", "recipe": "mains" }] }\n  }\n}\n'],
  ['an empty file', 'yaml', { kind: 'add', name: 'a', relay: { host: 'h', forward: '1:backend', plugins: [{ use: 'launch', port: 5 }] } }, '', 'relays:\n  a:\n    host: h\n    forwards: ["1:backend"]\n    plugins: [{ "use": "launch", "port": 5 }]\n'],
  ['an empty file', 'yaml', devbox('a'), '', 'relays:\n  a:\n    host: devbox\n    forwards: ["8787"]\n'],
  ['nothing but a comment', 'yaml', devbox('a'), '# mine', '# mine\nrelays:\n  a:\n    host: devbox\n    forwards: ["8787"]'],
  ['an empty object', 'json', devbox('a'), '{}', '{ "relays": { "a": { "host": "devbox", "forwards": ["8787"] } } }'],
  ['no relays yet', 'json', devbox('a'), '{\n\t"defaults": {}\n}\n', '{\n\t"defaults": {},\n\t"relays": { "a": { "host": "devbox", "forwards": ["8787"] } }\n}\n'],
  ['empty relays', 'json', devbox('a'), '{\n\t"relays": {}\n}\n', '{\n\t"relays": {\n\t\t"a": { "host": "devbox", "forwards": ["8787"] }\n\t}\n}\n'],
  ['no relays yet', 'yaml', devbox('a'), 'defaults: {lanes: 1}\r\n# end\r\n', 'defaults: {lanes: 1}\r\n# end\r\nrelays:\r\n  a:\r\n    host: devbox\r\n    forwards: ["8787"]\r\n'],
  ['relays without a value', 'yaml', devbox('a'), 'relays: # none\ndefaults: {}\n', 'relays: # none\n  a:\n    host: devbox\n    forwards: ["8787"]\ndefaults: {}\n'],
  ['empty relays', 'yaml', devbox('a'), 'relays: {}\n', 'relays: { a: { host: "devbox", forwards: ["8787"] } }\n'],
  ['a name that is a word of YAML', 'yaml', devbox('no'), 'relays:\n  a: {host: h, forwards: ["1"]}\n', 'relays:\n  a: {host: h, forwards: ["1"]}\n  "no": {host: "devbox", forwards: ["8787"]}\n'],
  ['a last comment', 'yaml', devbox('b'), 'relays:\n  a:\n      host: h\n      forwards: ["1"]\n      # of a\n  # of relays\n# of the file\n', 'relays:\n  a:\n      host: h\n      forwards: ["1"]\n      # of a\n  # of relays\n  b:\n      host: devbox\n      forwards: ["8787"]\n# of the file\n'],
  ['blank lines between', 'yaml', devbox('c'), 'relays:\n  a: &x\n    host: h\n    forwards: ["0:h:1"]\n\n  # his\n  b: *x\n\nsshConfig: x\n', 'relays:\n  a: &x\n    host: h\n    forwards: ["0:h:1"]\n\n  # his\n  b: *x\n\n  c:\n    host: devbox\n    forwards: ["8787"]\n\nsshConfig: x\n'],
  ['a comment behind the last in brackets', 'yaml', devbox('b'), 'relays: { a: {host: h, forwards: ["1"]} # one\n  }\n', 'relays: { a: {host: h, forwards: ["1"]}, # one\n  b: {host: "devbox", forwards: ["8787"]}\n  }\n'],
  ['layout of the last one', 'json', devbox('b'), '{"relays":{\n  "a" : {\n    "host" : "h",\n    "forwards" : ["1"]\n  }\n}}', '{"relays":{\n  "a" : {\n    "host" : "h",\n    "forwards" : ["1"]\n  },\n  "b" : {\n    "host" : "devbox",\n    "forwards" : ["8787"]\n  }\n}}'],
  ['of two gaps one', 'yaml', remove('b'), 'relays:\n  a: {host: h, forwards: ["1"]}\n\n  # above b\n\n  b: {host: h, forwards: ["2"]} # b\n    # more of b\n\n  c: {host: h, forwards: ["3"]}\n', 'relays:\n  a: {host: h, forwards: ["1"]}\n\n  # above b\n\n  c: {host: h, forwards: ["3"]}\n'],
  ['the first one', 'json', remove('a'), '{"relays": {"a": {"host": "h", "forwards": ["1"]}, "b": {"host": "h", "forwards": ["2"]}}}', '{"relays": {"b": {"host": "h", "forwards": ["2"]}}}'],
  ['an explicit key', 'yaml', remove('a'), 'relays:\n  ? a\n  : {host: h, forwards: ["1"]}\n  ? b\n  : {host: h, forwards: ["2"]}\n', 'relays:\n  ? b\n  : {host: h, forwards: ["2"]}\n'],
  ['quotes of a key', 'yaml', { kind: 'rename', name: 'a', to: 'b' }, "relays:\n  'a': {host: a, forwards: [\"1\"]}\n", "relays:\n  'b': {host: a, forwards: [\"1\"]}\n"],
  ['a key with an escape', 'json', { kind: 'rename', name: 'a', to: 'b' }, '{"relays": {"\\u0061": {"host": "a", "forwards": ["1"]}}}', '{"relays": {"b": {"host": "a", "forwards": ["1"]}}}'],
  ['a name that a plugin keeps', 'json', keep('a'), '{"relays": {"a": {"host": "h", "forwards": ["1:backend"], "plugins": [\n  {"use": "launch", "recipe": "mains"}\n]}}}', '{"relays": {"b": {"host": "h", "forwards": ["1:backend"], "plugins": [\n  {"use": "launch", "recipe": "mains", "name": "a"}\n]}}}'],
  ['a name that the second plugin keeps', 'json', keep('a', 1), '{ "relays": { "a": { "host": "h", "forwards": ["1:backend"], "plugins": ["same-user", {\n  "use": "launch",\n  "command": "x"\n}] } } }', '{ "relays": { "b": { "host": "h", "forwards": ["1:backend"], "plugins": ["same-user", {\n  "use": "launch",\n  "command": "x",\n  "name": "a"\n}] } } }'],
  ['a name that a plugin keeps, in a block', 'yaml', keep('a'), 'relays:\n  a: # mine\n    host: h\n    forwards: ["1:backend"]\n    plugins:\n      - use: launch # it\n        command: |\n          x\n      # last\n      - same-user\n', 'relays:\n  b: # mine\n    host: h\n    forwards: ["1:backend"]\n    plugins:\n      - use: launch # it\n        command: |\n          x\n        name: a\n      # last\n      - same-user\n'],
  ['a name that a plugin keeps, which is a number', 'yaml', keep('80'), 'relays:\n  80:\n    host: h\n    forwards: ["1:backend"]\n    plugins: [{use: launch, recipe: mains}] # one\n', 'relays:\n  b:\n    host: h\n    forwards: ["1:backend"]\n    plugins: [{use: launch, recipe: mains, name: "80"}] # one\n'],
];

for (const [what, language, edit, before, after] of cases) {
  test(`${edit.kind} in ${language}: ${what}`, (t) => {
    t.equal(editRelays(before, language, edit), after);
    relaysOf(after, language);
    t.end();
  });
}

// biome-ignore format: a table is read by its columns
const beyond: readonly (readonly [what: string, edit: Edit, text: string])[] = [
  ['an anchor that others use', remove('a'),  'relays:\n  a: &x {host: h, forwards: ["0:h:1"]}\n  b: *x\n'],
  ['explicit keys',             devbox('c'),  'relays:\n  ? a\n  : {host: h, forwards: ["1"]}\n'],
  ['a key as a block of text',  { kind: 'rename', name: 'a', to: 'b' }, 'relays:\n  ? |-\n    a\n  : {host: h, forwards: ["1"]}\n'],
  ['a plugin of another relay', keep('a'),    'relays:\n  c: {host: h, forwards: ["1:backend"], plugins: &p [{use: launch, recipe: mains}]}\n  a: {host: h, forwards: ["2:backend"], plugins: *p}\n'],
  ['a plugin that others use',  keep('a'),    'relays:\n  a: {host: h, forwards: ["1:backend"], plugins: [&p {use: launch, recipe: mains}]}\n  c: {host: h, forwards: ["2:backend"], plugins: [*p]}\n'],
  ['relays: null',              devbox('a'),  'relays: null\n'],
];

for (const [what, edit, text] of beyond) {
  test(`${edit.kind} beside ${what} is left to a person`, (t) => {
    t.throws(() => editRelays(text, 'yaml', edit), {
      code: 'CONFIG_INVALID',
      message: /only a person can edit; .* by hand$/,
    });
    t.end();
  });
}
