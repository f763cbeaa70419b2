import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { type Found, OutputScanner } from '../../../src/plugins/printed/scan.ts';
import { scanRules } from '../../../src/plugins/printed/scan-rules.ts';
import { parseTokenRule } from '../../../src/plugins/token/rule.ts';
import { recipes } from '../../../src/plugins/recipes/recipes.ts';

/** What each prints when it starts with a token of its own, as it did over ssh; and what is to be found in it. */
const printed: Readonly<
  Record<string, readonly (readonly [string, { port: number; token?: string; none?: boolean }])[]>
> = {
  mains: [
    [
      '[serve] mains backend listening on ws://127.0.0.1:8787\n[serve] pairing token: aB3_-x\n',
      { port: 8787, token: 'aB3_-x' },
    ],
    [
      '[serve] mains backend listening on ws://127.0.0.1:8787\n[serve] no pairing token (loopback only)\n',
      { port: 8787, none: true },
    ],
  ],
  jupyter: [
    [
      `[I] Jupyter Server 1.23.3 is running at:\n[I] http://localhost:8899/?token=${'0f'.repeat(24)}\n`,
      { port: 8899, token: '0f'.repeat(24) },
    ],
    ['[I] http://localhost:8899/?token=...\n', { port: 8899 }],
  ],
  'code-server': [['[2026] info  HTTP server listening on http://127.0.0.1:8080/\n', { port: 8080 }]],
  vite: [['  VITE v8.3.8  ready in 200 ms\n\n  ➜  Local:   http://localhost:5173/\n', { port: 5173 }]],
  opencode: [['opencode server listening on http://127.0.0.1:4096\n', { port: 4096 }]],
  generic: [['Serving at http://localhost:3000\n', { port: 3000 }]],
};

test('each recipe finds port and token in what its backend prints', (t) => {
  t.same(Object.keys(printed), [...recipes.keys()]);
  for (const recipe of recipes.values()) {
    for (const [output, wanted] of printed[recipe.name] ?? []) {
      const rules = scanRules(recipe, { hosts: [], fixed: null, ownToken: true });
      const said: Found[] = [];
      const scanner = new OutputScanner(rules, { found: (found) => said.push(found), warn: (text) => t.fail(text) });
      scanner.stream().add(Buffer.from(output));
      const { token, none, port } = scanner.found;
      t.same({ token: token?.reveal(), none, port }, { token: undefined, none: false, ...wanted }, recipe.name);
      t.ok(said.length > 0);
    }
  }
  t.end();
});

test('each recipe takes less than 30 lines, knows where its port goes, and its rule for a running one is a rule', (t) => {
  const folder = 'src/plugins/recipes';
  const files = readdirSync(folder).filter((name) => name !== 'recipes.ts');
  t.equal(files.length, recipes.size);
  for (const file of files) t.ok(readFileSync(`${folder}/${file}`, 'utf8').split('\n').length < 30, file);
  for (const { name, command, page, attach, door } of recipes.values()) {
    t.match(command, '{port}', name);
    t.match(page, /^\//, name);
    t.ok(door === null || door.path.startsWith('/'), name);
    if (attach === null) continue;
    const { recipe, ...rule } = parseTokenRule({ recipe: name });
    t.equal(recipe?.name, name);
    t.same({ ...rule, recipe: null }, parseTokenRule(attach), name);
  }
  t.end();
});
