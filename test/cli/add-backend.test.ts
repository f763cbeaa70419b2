import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import type { Owner } from '../fixtures/temp.ts';

/** The relay that `add` writes for these words; the daemon's own reader takes it. */
async function added(t: Owner, name: string, ...words: readonly string[]): Promise<unknown> {
  const end = await runTowline(t, ['add', name, '--host', 'devbox', ...words]);
  if (end.code !== 0) throw new Error(end.stderr);
  const file = readFileSync(join(homeOf(t), '.config/towline/config.json'), 'utf8');
  const { relays }: { relays: Record<string, { forwards: unknown; plugins: unknown }> } = JSON.parse(file);
  const { forwards, plugins } = relays[name] ?? {};
  return { forwards, plugins };
}

test('add writes what starts the backend, on a free port unless one is named', async (t) => {
  t.same(await added(t, 'a', '--recipe', 'jupyter'), {
    forwards: ['8888:backend'],
    plugins: [{ use: 'launch', recipe: 'jupyter' }],
  });
  t.same(await added(t, 'b', '--launch', 'node "x y".js {port}', '--port', '9000', '--listen', '4711'), {
    forwards: ['4711:backend'],
    plugins: [{ use: 'launch', command: 'node "x y".js {port}', port: 9000 }],
  });
  t.same(await added(t, 'c', '--recipe', 'mains', '--launch', 'cd m && npm run serve -- --port={port}'), {
    forwards: ['8787:backend'],
    plugins: [{ use: 'launch', recipe: 'mains', command: 'cd m && npm run serve -- --port={port}' }],
  });
});

test('add writes how a token that is printed is found, and says how where nobody knows one', async (t) => {
  const pattern = ['--token-pattern', 'token: (\\S+)'];
  for (const [name, recipe] of [
    ['a', {}],
    ['b', { recipe: 'generic' }],
    ['c', { recipe: 'vite' }],
  ] as const) {
    const words = Object.values(recipe).flatMap((one) => ['--recipe', one]);
    t.match(await added(t, name, '--launch', './run {port}', ...words, ...pattern, '--port', '9000'), {
      plugins: [{ use: 'launch', ...recipe, command: './run {port}', tokenPattern: 'token: (\\S+)', port: 9000 }],
    });
  }
  t.match(await added(t, 'd', '--launch', './run {port}', '--token-json', 'auth.token', '--port', '9000'), {
    plugins: [{ use: 'launch', command: './run {port}', tokenJson: 'auth.token', port: 9000 }],
  });
  const add = (...words: string[]) => runTowline(t, ['add', 'x', '--host', 'devbox', ...words]);
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['--recipe', 'generic'],
      /--recipe generic stands for anything, so it starts nothing by itself; add --launch COMMAND/,
    ],
    [['--recipe', 'generic', ...pattern], /it starts nothing by itself; add --launch COMMAND/],
    [
      ['--recipe', 'mains', ...pattern],
      /--recipe mains knows how its backend gets its token; leave --token-pattern out/,
    ],
    [pattern, /need --token-from, which says where the token is, or --launch, whose backend prints it/],
    [['--launch', 'x', ...pattern, '--token-json', 'y'], /--token-pattern and --token-json exclude each other/],
    [['--launch', 'x', '--token-json', '$.y'], /--token-json: that is no path into JSON; expected names and indexes/],
    [['--recipe', 'mains', '--token-json', 'y'], /knows how its backend gets its token; leave --token-json out/],
  ];
  for (const [words, reason] of cases) t.match(await add(...words), { code: 64, stderr: reason, stdout: '' });
  t.match(await add('--launch', 'x', '--token-pattern', '(a+)+$'), {
    code: 64,
    stderr: /--token-pattern: .*expected /,
  });
  const hint =
    /if its backend prints a token, "tokenPattern" or "tokenJson" .*learns it; if you know the token, `towline token set x` takes/;
  t.match((await add('--recipe', 'generic', '--launch', './run {port}')).stdout, hint);
  t.match((await runTowline(t, ['recipes', 'generic'])).stdout, /- If it prints a token: "tokenPattern"/);
  t.match(await runTowline(t, ['remove', 'x', '--yes']), { code: 0 });
  t.notMatch((await add('--launch', './run {port}', ...pattern)).stdout, /tokenPattern|token set/);
  t.match(await runTowline(t, ['remove', 'x', '--yes']), { code: 0 });
  t.notMatch((await add('--launch', './run {port}', '--token-json', 'a')).stdout, /tokenPattern|token set/);
});

test('add writes where the token of a running backend is, and never a token', async (t) => {
  t.same(await added(t, 'a', '--recipe', 'jupyter', '--token-from', 'recipe'), {
    forwards: ['8888'],
    plugins: [{ use: 'token', recipe: 'jupyter' }],
  });
  t.same(await added(t, 'b', '--token-from', 'file:~/a:b', '--token-pattern', '^token: (\\S+)'), {
    forwards: ['8787'],
    plugins: [{ use: 'token', from: 'file', path: '~/a:b', pattern: '^token: (\\S+)' }],
  });
  t.same(await added(t, 'c', '--token-from', 'local-command:pass show dev', '--listen', '1234'), {
    forwards: ['1234:127.0.0.1:8787'],
    plugins: [{ use: 'token', from: 'local-command', command: 'pass show dev' }],
  });
  t.same(await added(t, 'd', '--token-from', 'keyring', '--listen', '1235'), {
    forwards: ['1235:127.0.0.1:8787'],
    plugins: [{ use: 'token', from: 'keyring' }],
  });
  const check = await runTowline(t, ['check']);
  t.notMatch(check.stdout + check.stderr, /CONFIG_INVALID/);
  const token = 'tk-5f0a3c9e1b7d4826a0c2e4f6';
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--token-from', token], /--token-from: that is no place of a token; expected recipe, none, keyring, file:PATH/],
    [['--token-from', 'file'], /that is no place/],
    [['--token-from', `none:${token}`], /that is no place/],
    [['--token-from', 'recipe'], /no --recipe says where the token/],
    [['--token-from', 'recipe', '--recipe', 'vite'], /no --recipe says where the token/],
    [['--token-json', 'x'], /need --token-from/],
    [['--recipe', 'jupyter', '--token-from', 'none'], /--recipe jupyter would start nothing; leave --token-from out/],
    [['--recipe', 'nix'], /--recipe: there is no "nix"; expected one of mains, jupyter/],
  ];
  for (const [words, reason] of cases) {
    const end = await runTowline(t, ['add', 'e', '--host', 'devbox', ...words]);
    t.equal(end.code, 64, words.join(' '));
    t.match(end.stderr, reason, words.join(' '));
    t.notMatch(end.stderr, token);
  }
});

test('add ends by saying how a UI gets address and token', async (t) => {
  const { stdout } = await runTowline(t, ['add', 'dev', '--host', 'devbox', '--recipe', 'mains']);
  t.match(
    stdout,
    /a UI gets its address and token by `towline url dev`, the token alone by `towline token dev --copy`\n$/,
  );
  t.notMatch(stdout, /towline token set/);
});
