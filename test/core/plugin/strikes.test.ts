import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { Strikes } from '../../../src/core/plugin/strikes.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

const hour = 3_600_000;

test('three failures within an hour are too many, and stay so; one a month is not', (t) => {
  const often = new Strikes();
  t.same(
    [0, 1_000, hour - 1, hour, 9 * hour].map((at) => [often.add(at), often.out]),
    [
      [false, false],
      [false, false],
      [true, true],
      [false, true],
      [false, true],
    ],
  );
  const seldom = new Strikes();
  const added = Array.from({ length: 10_000 }, (_, n) => seldom.add(n * 0.7 * hour));
  t.notOk(added.includes(true));
  t.end();
});

test('a hook is not late because its process stood still', async (t) => {
  const module = JSON.stringify(new URL('../../../src/core/plugin/call.js', import.meta.url).href);
  const code = `import { inTime } from ${module};
import { setTimeout as sleep } from 'node:timers/promises';
const begin = () => {
  const slept = sleep(3000, 'in time');
  console.log('begun');
  process.kill(process.pid, 'SIGSTOP');
  return slept;
};
console.log(await inTime(2000, begin).catch(({ constructor }) => constructor.name));
console.log(await inTime(100, () => sleep(1000, 'in time')).catch(({ constructor }) => constructor.name));
`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  const all = text(child.stdout);
  await waitUntil('it begins', () => said === 'begun\n');
  const stopped = performance.now();
  await waitUntil('the deadline is long over', () => performance.now() - stopped > 4_500);
  child.kill('SIGCONT');
  t.equal(await within('its end', all), 'begun\nin time\nLate\n');
});
