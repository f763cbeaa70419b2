import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { launchNothing } from '../../../src/core/config/backend-rules.ts';
import { checkConfig, formatProblem } from '../../../src/core/config/load.ts';
import { builtins } from '../../../src/builtins.ts';
import { makeTemp } from '../../fixtures/temp.ts';

/** All that is wrong with a relay to the backend that these plugins launch. */
function problems(t: Test, plugins: readonly unknown[]): readonly string[] {
  const home = makeTemp(t, 'config');
  const file = join(home, 'towline.json');
  const relay = { host: 'h', forwards: ['1000:backend'], plugins };
  writeFileSync(file, JSON.stringify({ relays: { r: relay } }), { mode: 0o600 });
  const checked = checkConfig(file, { home });
  return 'problems' in checked ? checked.problems.map((problem) => formatProblem(problem, home)) : [];
}

test('any plugin may launch the backend but those that are known to launch nothing', (t) => {
  for (const use of ['my-launcher', '@me/launcher', './launcher.js', 'towline-launcher']) {
    t.same(problems(t, ['same-user', use]), [], use);
  }
  for (const plugins of [[], ['same-user'], launchNothing]) {
    t.match(problems(t, plugins), [/: the target "backend" needs a plugin that launches one/], plugins.join());
  }
  t.same([...launchNothing, 'launch'].sort(), Object.keys(builtins).sort(), 'they are the built-in ones');
  t.end();
});

test('how long a launch may take is said in one place', (t) => {
  const launch = { use: 'launch', command: 'run', deadline: '5m' };
  t.same(problems(t, [{ ...launch, deadlines: { token: '5s' } }]), []);
  t.match(problems(t, [{ ...launch, deadlines: { backend: '2m' } }]), [
    /relays\.r\.plugins\[0\]\.deadlines\.backend: how long a launch may take is said by its own "deadline"; expected "deadline" beside "use"/,
  ]);
  t.same(problems(t, [{ use: './own.js', deadlines: { backend: '2m' } }]), [], 'one of your own has no other');
  t.end();
});
