import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../src/core/config/load.ts';
import { jsonSchema } from '../../src/core/config/schema.ts';
import { faults } from '../../src/core/model/fault-table.ts';
import { hooks } from '../../src/core/model/hooks.ts';
import { loadGuest } from '../../src/core/plugin/load.ts';
import { pluginConforms } from '../../src/plugin.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { MAIN } from '../fixtures/main-file.ts';

const readme = readFileSync('README.md', 'utf8');
const configPage = readFileSync('docs/config.md', 'utf8');
const routePage = readFileSync('docs/control-api.md', 'utf8');

/** docs/faults.md as the fault table has it; TAP_SNAPSHOT=1 writes it. */
function faultPage(): string {
  const rows = Object.entries(faults).map(
    ([code, { means, todo, exit, http, retry }]) =>
      `| \`${code}\` | ${means} | ${todo} | ${retry} | ${exit} | ${http} |`,
  );
  return `${[
    '# Faults',
    '',
    'Each failure has a code. A command that ends with it exits with `exit`, the control API answers with `http`. `retry` says how soon',
    'a failed attempt is repeated: `soon` (0, 0.25, 0.5, 1, then every 1.5 s), `stage` (0, four times 0.25, 0.5, 1, 1.5, 3, then 5 s), `busy` (1, 5, 30, 120,',
    '300 s, at most 4 tries in 10 min; a ProxyCommand that ends as an ssh whose login failed: 1, 2, 5, 10, 15, 30 s), `refused` (one try each 20 min, at once when a key, the agent or the config changes), `never` (blocked until a file changes',
    'or you say so), `crash` (each 60 s), `absent` (each 60 s, at once when the program appears), `policy` (rechecked each 60 s), `launch` (five tries over one link, after 1, 2, 4 and 8 s, then each 5 min; the link is kept, and what leads elsewhere is served over it), `forward` (over a link that stays up the thing itself is tried again; before that it is tried as a launch is, then each 60 s),',
    '`none` (it was the answer to one request or one connection).',
    '',
    'Failed logins are counted, whoever asks for them: `start`, `restart`, `unlock`, a key file that changes, a hundred relays. A host hears of 4 in ten minutes at',
    'most (fail2ban bans at 5), and of 3 an hour with the same keys; each wrong answer is one. What changed need not wait for its turn, but it',
    'counts. Beyond that it is withheld, and `status` says until when and why: LOGINS_SPENT for the host, else the last refusal. Another key is tried at once;',
    "so is a login for which somebody is there (`towline unlock`), unless it is the host's own limit that is reached. A login that succeeds",
    "takes nothing back of the ten minutes: what reads the host's log does not either. What `doctor` and",
    '`backend` log in themselves is not counted.',
    '',
    'A link that is lost after less than `settle` (30 s) counts as thrown out: ten in a row are made anew at once, the next ones after 1, 2, 5, 10 and then',
    'each 30 s. A client hurries that to a second after the loss, unless the last one who came lost the link before it had carried him: a server may end',
    'each link that is idle.',
    '',
    '| code | meaning | what to do | retry | exit | http |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')}\n`;
}

/** The fenced blocks of a Markdown text. */
function blocks(text: string): readonly string[] {
  return [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
}

test('the fault page is the fault table', (t) => {
  if (process.env['TAP_SNAPSHOT'] === '1') writeFileSync('docs/faults.md', faultPage());
  t.equal(readFileSync('docs/faults.md', 'utf8'), faultPage());
  t.end();
});

test('the example config and the manual are shown as they are', (t) => {
  t.ok(blocks(configPage).includes(readFileSync('config.example.json', 'utf8')), 'config.example.json');
  const manual = execFileSync(process.execPath, [MAIN, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  t.ok(blocks(readme).includes(manual), 'towline --help');
  t.end();
});

test('the config of the README is one', (t) => {
  const config = blocks(readme).find((block) => block.startsWith('{'));
  if (config === undefined) throw new Error('the README has no config');
  const file = join(makeTemp(t, 'readme'), 'towline.json');
  writeFileSync(file, config);
  t.same(
    loadConfig(file).relays.map(({ name }) => name),
    ['dev-box', 'postgres'],
  );
  t.end();
});

test('every file that the README links to is there', (t) => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1] ?? '');
  t.ok(links.length >= 5, `${links.length} links`);
  for (const link of links) t.ok(existsSync(link), link);
  t.end();
});

test('every key of a relay and of a forward stands in the page of the config', (t) => {
  const keys = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('properties' in node && typeof node.properties === 'object' && node.properties !== null) {
      for (const key of Object.keys(node.properties)) keys.add(key);
    }
    for (const child of Object.values(node)) walk(child);
  };
  walk(jsonSchema());
  t.ok(keys.size > 20, `${keys.size} keys`);
  for (const key of keys) t.ok(configPage.includes(`\`${key}\``) || configPage.includes(`"${key}"`), key);
  t.end();
});

test('README and CI carry the one test command', (t) => {
  const command = 'npm ci && npm run setup && npm test';
  t.ok(blocks(readme).includes(`${command}\n`));
  t.ok(readFileSync('.ci/run', 'utf8').includes(`\n${command}\n`));
  t.end();
});

test('every file that the architecture names is there, and every folder of core is named', (t) => {
  const text = readFileSync('ARCHITECTURE.md', 'utf8');
  const names = [...text.matchAll(/`((?:[a-z]+\/)*[a-z-]+\.ts)`/g)].map((match) => match[1] ?? '');
  t.ok(names.length > 15, `${names.length} files`);
  const isThere = (name: string) => ['.', 'src', 'src/core'].some((root) => existsSync(`${root}/${name}`));
  for (const name of new Set(names)) t.ok(isThere(name), name);
  for (const folder of readdirSync('src/core', { withFileTypes: true }))
    t.ok(text.includes(`core/${folder.name}`), folder.name);
  t.end();
});

test('the page of the control API names every route, and its answer', async (t) => {
  const routes = readFileSync('src/control/routes.ts', 'utf8');
  const paths = [...routes.matchAll(/app\.(?:get|post)\(\s*'(\/v1\/[a-z]+)/g)].map((match) => match[1] ?? '');
  t.equal(paths.length, 12);
  for (const path of new Set(paths)) t.ok(routePage.includes(path), path);
  t.notMatch(routePage, /\| 204/);
  t.end();
});

test('the page of the control API explains each event, state and stage that `towline events` prints', (t) => {
  const words = (file: string, from: string, to: string, word: RegExp) => {
    const text = readFileSync(file, 'utf8');
    const part = text.slice(text.indexOf(from), text.indexOf(to, text.indexOf(from)));
    return new Set([...part.matchAll(word)].map((match) => match[1] ?? ''));
  };
  const types = words('src/core/model/event.ts', 'export type Fact', 'export interface', /type: '([a-z.]+)'/g);
  const stages = words('src/core/model/state.ts', 'export type Stage', ';', /\| '([a-z ]+)'/g);
  const states = words('src/core/model/state.ts', 'export type Rest', '\u0000', /at: '([a-z]+)'/g);
  const whys = words('src/core/model/event.ts', 'readonly why: ', ';', /'([a-z]+)'/g);
  t.ok(types.size > 30 && stages.size > 8 && states.size > 6, `${types.size}, ${stages.size}, ${states.size}`);
  for (const word of [...types, ...stages, ...states, ...whys]) t.ok(routePage.includes(`\`${word}\``), word);
  t.end();
});

test('every plugin of docs/plugins.md loads and keeps the rules, and its table is that of the hooks', async (t) => {
  const page = readFileSync('docs/plugins.md', 'utf8');
  const plugins = blocks(page).filter((code) => /^export default \{/m.test(code));
  t.equal(plugins.length, 2);
  for (const [index, code] of plugins.entries()) {
    const file = join(makeTemp(t, 'docs'), `plugin-${index}.mjs`);
    writeFileSync(file, code, { mode: 0o600 });
    await pluginConforms((await loadGuest({ use: file, options: {} }, {})).plugin);
  }
  const rows = [...page.matchAll(/^\| `(\w+)\([^|]*\| (\w+)[^|]*\| (\d+) s \|/gm)];
  t.strictSame(
    rows.map(([, name, kind, seconds]) => [name, kind, Number(seconds) * 1_000]),
    Object.entries(hooks).map(([name, { kind, deadline }]) => [name, kind, deadline]),
  );
});
