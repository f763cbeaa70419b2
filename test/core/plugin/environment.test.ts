import { test } from 'tap';
import { environmentFor, scrubbedEnvironment } from '../../../src/core/plugin/environment.ts';
import { Guests } from '../../../src/core/plugin/guests.ts';
import { builtins } from '../../../src/builtins.ts';

const env = { HOME: '/home/me', PATH: '/bin', CANARY_TOKEN: 'hunter2', NODE_OPTIONS: '--inspect' };
const bare = { HOME: '/home/me', PATH: '/bin' };

test('of the built-in plugins only token sees the whole environment, and no path or package does', (t) => {
  const whole = Object.keys(builtins).filter(
    (name) => environmentFor(name, builtins, env)['CANARY_TOKEN'] !== undefined,
  );
  t.same(whole, ['token']);
  for (const use of ['/home/me/token', './token', 'token-of-others', '__proto__', 'constructor'])
    t.same(environmentFor(use, builtins, env), bare, use);
  t.same(scrubbedEnvironment(env), bare);
  t.end();
});

test('plugins of one relay get what each is registered for, and cannot change what the next one gets', async (t) => {
  const given: unknown[] = [];
  const guest = (name: string, wholeEnvironment?: boolean) => ({
    name,
    options: undefined,
    ...(wholeEnvironment === undefined ? {} : { wholeEnvironment }),
    plugin: {
      name,
      relay(context: { readonly env: object }) {
        given.push({ ...context.env });
        Object.assign(context.env, { PATH: '/elsewhere' });
        return {};
      },
    },
  });
  await new Guests(() => undefined).seat(
    [guest('path'), guest('bare', false), guest('whole', true)],
    'relay',
    'r',
    env,
  );
  t.same(given, [bare, bare, env]);
});
