import { test } from 'tap';
import { pluginConforms } from '../../../src/plugin.ts';
import launch from '../../../src/plugins/launch/launch.ts';
import { parseOptions } from '../../../src/plugins/launch/options.ts';

test('it keeps the rules of plugins', async () => {
  const command = 'true';
  const refused = [
    {},
    { command: '' },
    { command, port: 0 },
    { command, lifetime: 'forever' },
    { command, env: { 'A=B': 'x' } },
  ];
  await pluginConforms(launch, { options: { command }, refused });
});

test('options have defaults, a recipe brings the command, and a command of the config wins', (t) => {
  t.same(parseOptions({ command: 'run' }), {
    command: 'run',
    recipe: null,
    port: 'auto',
    cwd: '',
    env: {},
    shell: 'sh',
    lifetime: 'detached',
    deadline: 60_000,
    late: 'keep',
    name: null,
    tokenKey: '"recipe.token.pattern"',
  });
  t.match(parseOptions({ recipe: 'mains' }), {
    command: /npm run serve -- --port=\{port\}/,
    recipe: { name: 'mains' },
  });
  t.match(parseOptions({ recipe: 'mains', command: 'own', deadline: '5m', port: 8787 }), {
    command: 'own',
    deadline: 300_000,
    port: 8787,
  });
  const own = {
    command: 'mine',
    prints: 'on (\\d+)',
    token: { from: 'output', pattern: 't: (\\S+)', none: 'none' },
    scheme: 'ws',
  };
  const door = { kind: 'websocket', wire: { in: 'subprotocol', protocols: ['v1'], before: 't.' } };
  t.match(parseOptions({ recipe: { ...own, door } }), {
    command: 'mine',
    recipe: { ...own, name: 'own', page: '/', door: { ...door, path: '/' } },
  });
  const printed = { command: 'x', tokenPattern: 't: (\\S+)' };
  const token = { from: 'output', pattern: 't: (\\S+)' };
  for (const more of [{}, { recipe: 'generic' }])
    t.match(parseOptions({ ...printed, ...more }), { recipe: { name: 'generic', token }, tokenKey: '"tokenPattern"' });
  t.match(parseOptions({ ...printed, recipe: { name: 'mine' } }).recipe, { name: 'mine', token });
  const json = { from: 'output', json: 'auth.token' };
  t.match(parseOptions({ command: 'x', tokenJson: 'auth.token' }), {
    recipe: { name: 'generic', token: json },
    tokenKey: '"tokenJson"',
  });
  t.match(parseOptions({ command: 'x', recipe: { token: json } }), {
    recipe: { name: 'own', token: json },
    tokenKey: '"recipe.token.json"',
  });
  t.end();
});

test('what is wrong with an option is said, with what was probably meant, and never with its value', (t) => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[], /expected an object/],
    [{}, /"command" is missing; expected what starts the backend, or a "recipe"/],
    [{ comand: 'x' }, /"comand" is no option; did you mean "command"\?/],
    [{ command: 'x', zzzzzzzz: 1 }, /known are command, recipe,/],
    [{ recipe: 'jupiter' }, /there is no recipe "jupiter"; did you mean "jupyter"\?/],
    [{ command: 'x', port: 70_000 }, /"port" is 70000; expected "auto" or a number from 1 to 65535/],
    [
      { command: 'x', shell: 'fish' },
      /"shell" is no such value \(a string\); expected "sh" \(unless given\) or "login"/,
    ],
    [{ command: 'x', deadline: '0s' }, /"deadline" is "0s"; expected a duration from "1s" to "1h"/],
    [{ command: 'x', name: '../up' }, /"name" is "\.\.\/up"; expected letters/],
    [{ command: 'x', env: { TOWLINE_RUN: 'x' } }, /"env" has "TOWLINE_RUN"/],
    [{ command: 'x', env: { SECRET: 7 } }, /"env\.SECRET" must be a text/],
    [{ command: 'x\0y' }, /"command" is no such value/],
    [
      { recipe: { command: 'x', prints: '(a+)+$' } },
      /"recipe\.prints" must be at most 200 characters, without repetition/,
    ],
    [{ recipe: { command: 'x', token: { from: 'env' } } }, /"recipe\.token\.from" must be "environment", "output" or/],
    [
      { recipe: { command: 'x', token: { from: 'environment', name: 'A B' } } },
      /"recipe\.token\.name" must be the name/,
    ],
    [{ recipe: { command: 'x', door: { kind: 'http', wire: { in: 'body' } } } }, /"recipe\.door\.wire\.in" must be/],
    [{ recipe: 'mains', tokenPattern: 't: (\\S+)' }, /recipe "mains" gets one in \$MAINS_SERVE_TOKEN; remove it/],
    [
      { command: 'x', recipe: { token: { from: 'output', pattern: 'a(b)' } }, tokenPattern: 'b(c)' },
      /recipe "own" says that by its "token\.pattern"; remove it/,
    ],
    [
      { command: 'x', recipe: { token: { from: 'output', json: 'a' } }, tokenJson: 'b' },
      /"tokenJson" is for .*recipe "own" says that by its "token\.json"; remove it/,
    ],
    [{ command: 'x', tokenPattern: 'b(c)', tokenJson: 'b' }, /"tokenPattern" and "tokenJson" exclude each other/],
    ...['', '.auth.token', '$.auth', 'auth[0]', '/auth/token', 'a..b', ' a', 'x'.repeat(201)].map(
      (tokenJson) =>
        [{ command: 'x', tokenJson }, /"tokenJson".*expected (?:names and indexes|a text of at most 200)/] as const,
    ),
    [{ command: 'x', tokenJson: 7 }, /"tokenJson" is 7; expected a text/],
    [
      { command: 'x', recipe: { token: { from: 'output', json: 'a', pattern: 'b(c)' } } },
      /"recipe\.token\.json" must be without "pattern"/,
    ],
    [{ command: 'x', recipe: { token: { from: 'output', json: '$.a' } } }, /"recipe\.token\.json" must be names and/],
    [{ command: 'x', recipe: { token: { from: 'nowhere', json: 'a' } } }, /must be beside "from": "output" only/],
    [{ command: 'x', recipe: { token: { from: 'output' } } }, /or "recipe\.token\.json" the path to it/],
    [{ command: 'x', tokenPattern: '(a+)+$' }, /"tokenPattern": .*; expected at most 200 characters/],
    [{ recipe: { command: 'x', colour: 'red' } }, /"recipe\.colour" must be one of name, title/],
  ];
  for (const [given, message] of cases) t.throws(() => parseOptions(given), { code: 'CONFIG_INVALID', message });
  t.end();
});
