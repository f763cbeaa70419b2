import { test } from 'tap';
import type { Fault } from '../../../src/core/model/fault.ts';
import type { ClientConnection, Plugin } from '../../../src/core/model/plugin.ts';
import { Guests } from '../../../src/core/plugin/guests.ts';

const client: ClientConnection = {
  relay: 'r',
  forward: 0,
  from: { address: '127.0.0.1', port: 5 },
  to: { address: '127.0.0.1', port: 6 },
};
const event = { type: 'relay.started', relay: 'r', id: 1, at: 0 } as const;

/** Seats plugins, and collects what is said of their failures. */
async function seat(...plugins: readonly Plugin[]) {
  const said: { plugin: string; fault: Fault; fatal: boolean }[] = [];
  const guests = new Guests((plugin, fault, fatal) => said.push({ plugin, fault, fatal }));
  await guests.seat(
    plugins.map((plugin) => ({ name: plugin.name, plugin, options: undefined })),
    'relay',
    'r',
  );
  return { guests, said };
}

const gate = (name: string, answer: () => unknown): Plugin => ({
  name,
  // What a plugin in JavaScript may answer, whatever the types say.
  relay: () => ({ admit: () => answer() as true }),
});

test('only a literal true admits', async (t) => {
  const answers: readonly (readonly [string, () => unknown, boolean])[] = [
    ['true', () => true, true],
    ['a promise of true', async () => true, true],
    ['false', () => false, false],
    ['a reason', () => 'not on Sundays', false],
    ['nothing', () => undefined, false],
    ['one', () => 1, false],
    ['an object', () => ({}), false],
    [
      'a throw',
      () => {
        throw new Error('broken');
      },
      false,
    ],
    [
      'a rejection',
      async () => {
        throw new Error('broken');
      },
      false,
    ],
  ];
  for (const [name, answer, admitted] of answers) {
    const { guests } = await seat(gate('g', answer));
    const fault = await guests.admit(client);
    t.equal(fault === null, admitted, name);
    if (fault !== null) t.equal(fault.code, 'ADMISSION_REFUSED', name);
  }
});

test('the first refusal wins and names its plugin and reason', async (t) => {
  const { guests } = await seat(
    gate('open', () => true),
    gate('shut', () => 'no\u001b[31m'),
    gate('unasked', () => t.fail('asked')),
  );
  t.match((await guests.admit(client))?.message, /^plugin shut refused a client: no\\x1b\[31m/);
});

test('a gate that gives no answer in 2 s refuses', async (t) => {
  const { guests, said } = await seat(gate('asleep', () => new Promise(() => undefined)));
  const began = performance.now();
  t.equal((await guests.admit(client))?.code, 'ADMISSION_REFUSED');
  t.ok(performance.now() - began < 4_000);
  t.match(said, [
    { plugin: 'asleep', fault: { code: 'PLUGIN_FAILED', message: /no answer to admit within 2 s/ }, fatal: false },
  ]);
});

test('the third failure of a gate ends its relay', async (t) => {
  const { guests, said } = await seat(
    gate('broken', () => {
      throw new Error('x');
    }),
  );
  for (let n = 0; n < 3; n += 1) await guests.admit(client);
  t.same(
    said.map(({ fatal }) => fatal),
    [false, false, true],
  );
});

test('a plugin that only observes is dropped after three failures, and harms nobody', async (t) => {
  let called = 0;
  let heard = 0;
  const { guests, said } = await seat(
    {
      name: 'bad',
      relay: () => ({
        observe() {
          called += 1;
          throw new Error('x');
        },
      }),
    },
    {
      name: 'good',
      relay: () => ({
        observe() {
          heard += 1;
        },
      }),
    },
  );
  for (let n = 0; n < 5; n += 1) {
    guests.observe(event);
    await new Promise(setImmediate);
  }
  t.equal(called, 3);
  t.equal(heard, 5);
  t.same(
    said.map(({ fatal }) => fatal),
    [false, false, false],
  );
});

test('a factory that throws is a named fault, and dismissal aborts the signal that the others got', async (t) => {
  await t.rejects(
    seat({
      name: 'late',
      relay() {
        throw new Error('no licence');
      },
    }),
    {
      code: 'PLUGIN_FAILED',
      message: /plugin late failed in relay: no licence/,
    },
  );
  let aborted = false;
  const { guests } = await seat({
    name: 'tidy',
    relay({ signal }) {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return {};
    },
  });
  guests.dismiss();
  t.ok(aborted);
});

test('of plugins that are seated together all are, or none', async (t) => {
  const heard: string[] = [];
  const signals: AbortSignal[] = [];
  const first: Plugin = {
    name: 'first',
    relay: ({ signal }) => {
      signals.push(signal);
      return { observe: (event) => void heard.push(event.type) };
    },
  };
  let broken = true;
  const second: Plugin = {
    name: 'second',
    relay: () => {
      if (broken) throw new Error('not yet');
      return {};
    },
  };
  const guests = new Guests(() => undefined);
  const together = [first, second].map((plugin) => ({ name: plugin.name, plugin, options: undefined }));
  for (const _try of [1, 2]) await t.rejects(guests.seat(together, 'relay', 'r'), { code: 'PLUGIN_FAILED' });
  broken = false;
  await guests.seat(together, 'relay', 'r');
  guests.observe(event);
  t.same(heard, ['relay.started'], 'it hears each event once');
  t.same(
    signals.map((signal) => signal.aborted),
    [true, true, false],
    'those that were given up are told',
  );
});
