import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { Patience } from '../../../src/core/supervisor/clients/patience.ts';
import { within } from '../../fixtures/wait.ts';

test('a patience that stands still does not end, and then goes on with what was left', async (t) => {
  let over: (stood: number) => void = () => undefined;
  const end = new Promise<number>((resolve) => {
    over = resolve;
  });
  const began = performance.now();
  const patience = new Patience(300, over);
  patience.run(true);
  await sleep(100);
  patience.run(false);
  patience.run(false);
  await sleep(500);
  patience.run(true);
  patience.run(true);
  const stood = await within('its end', end);
  t.ok(stood >= 490, `it stood still for ${stood} ms`);
  const ran = performance.now() - began - stood;
  t.ok(ran >= 290 && ran < 500, `it ran for ${ran} ms`);
});

test('of no time at all nothing waits, and what is ended says nothing', async (t) => {
  const said: number[] = [];
  const ended = new Patience(10, (stood) => said.push(stood));
  ended.run(true);
  ended.rest();
  await within('its end', new Promise<number>((resolve) => new Patience(0, resolve).run(false)));
  await sleep(50);
  t.same(said, []);
});
