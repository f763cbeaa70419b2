import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import type { BackendCall, Plugin, RelayHooks } from '../../../src/core/model/plugin.ts';
import type { RemoteHost } from '../../../src/core/model/remote.ts';
import { Secret } from '../../../src/core/model/secret.ts';
import { Guests } from '../../../src/core/plugin/guests.ts';
import type { HookDeadlines } from '../../../src/core/model/config.ts';

// No hook here touches the host: what it does with one is for the tests of `launch`.
const host = {} as RemoteHost;

function call(signal = new AbortController().signal): BackendCall {
  const nothing = () => undefined;
  return { signal, link: signal, forced: false, targets: [], progress: nothing, warn: nothing };
}

/** Seats plugins with these hooks, whatever the types say of their answers. */
async function seat(...given: readonly Readonly<Record<string, unknown>>[]) {
  return seatFor({}, ...given);
}

async function seatFor(deadlines: HookDeadlines, ...given: readonly Readonly<Record<string, unknown>>[]) {
  const said: { plugin: string; fault: Fault; fatal: boolean }[] = [];
  const guests = new Guests((plugin, fault, fatal) => said.push({ plugin, fault, fatal }));
  const plugins = given.map((hooks, index): Plugin => ({ name: `p${index}`, relay: () => hooks as RelayHooks }));
  await guests.seat(
    plugins.map((plugin) => ({ name: plugin.name, plugin, options: undefined, deadlines })),
    'relay',
    'r',
  );
  return { guests, said };
}

const backend = {
  target: { kind: 'tcp', host: '127.0.0.1', port: 8787 },
  run: 'r1',
  adopted: true,
  door: null,
  opens: null,
  says: 'pid 1',
};

test('of several providers the first that answers counts, and nobody after it is asked', async (t) => {
  const { guests } = await seat(
    { backend: () => undefined, token: async () => undefined },
    { backend: async () => backend, token: () => null },
    { backend: () => t.fail('asked'), token: () => t.fail('asked') },
  );
  t.same(await guests.backend(host, call()), backend);
  t.equal(await guests.token(host, null), null);
  t.ok(guests.hasBackend && guests.hasToken);
  t.notOk(guests.hasProbe || guests.hasWrap || guests.hasIdentify || guests.gated);
  const nobody = await seat({ observe: () => undefined }, { backend: () => undefined });
  t.equal(await nobody.guests.backend(host, call()), undefined);
  t.equal(await nobody.guests.token(host, null), undefined);
});

test('what a provider throws is its hook’s fault and a strike; a Fault that it says is neither', async (t) => {
  const own = new Fault('LAUNCH_PORT_TAKEN', 'port 8787 is taken by nginx; stop it');
  const foreign = Object.assign(new Error('not logged in\u001b[31m'), {
    name: 'Fault',
    code: 'REMOTE_REFUSED',
    detail: { n: 1, x: {} },
  });
  const { guests, said } = await seat({
    backend: () => {
      throw new Error('no such command');
    },
    token: () => Promise.reject('gone'),
  });
  await t.rejects(guests.backend(host, call()), {
    code: 'LAUNCH_FAILED',
    message: /plugin p0 failed in backend: no such command/,
  });
  await t.rejects(guests.token(host, null), { code: 'TOKEN_MISSING', message: /plugin p0 failed in token: gone/ });
  t.same(
    said.map(({ fault, fatal }) => [fault.code, fatal]),
    [
      ['PLUGIN_FAILED', false],
      ['PLUGIN_FAILED', false],
    ],
  );
  for (const error of [own, foreign]) {
    const one = await seat({ backend: () => Promise.reject(error) });
    const message = error === own ? error.message : 'not logged in\\x1b[31m';
    for (let n = 0; n < 4; n += 1) await t.rejects(one.guests.backend(host, call()), { code: error.code, message });
    t.equal(one.said.length, 0);
    t.equal(one.guests.broken, null);
  }
});

test('a plugin with another hook than observe ends its relay after three strikes, and begins anew', async (t) => {
  const { guests, said } = await seat({
    token: () => Promise.reject(new Error('x')),
    wrap: (stream: unknown) => stream,
  });
  for (let n = 0; n < 3; n += 1) await t.rejects(guests.token(host, null), { code: 'TOKEN_MISSING' });
  t.same(
    said.map(({ fatal }) => fatal),
    [false, false, true],
  );
  t.match(guests.broken, { code: 'PLUGIN_FAILED' });
  t.match(await guests.admit({ relay: 'r', forward: 0, from: null, to: null }), { code: 'ADMISSION_REFUSED' });
  guests.unseat();
  t.equal(guests.broken, null);
});

test('a backend that is late is told so, and may say how far it came; then it is given up', async (t) => {
  const words = (signal: AbortSignal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Fault('LAUNCH_TIMEOUT', 'it says "compiling"; look at it')));
    });
  const told = await seatFor({ backend: 100 }, { backend: (_: unknown, { signal }: BackendCall) => words(signal) });
  await t.rejects(told.guests.backend(host, call()), { code: 'LAUNCH_TIMEOUT', message: /compiling/ });
  t.equal(told.said.length, 0);
  const mute = await seatFor({ backend: 100 }, { backend: () => new Promise(() => undefined) });
  await t.rejects(mute.guests.backend(host, call()), {
    code: 'LAUNCH_FAILED',
    message: /no answer to backend within 0\.1 s/,
  });
  t.equal(mute.said.length, 1);
  const link = new AbortController();
  const lost = mute.guests.backend(host, call(link.signal));
  const fault = new Fault('LINK_LOST', 'the link is gone; nothing to do');
  link.abort(fault);
  await t.rejects(lost, fault);
});

test("what a backend says of who listens there is a fault of ours, whoever's copy of the class it is", async (t) => {
  const own = Object.assign(new Error('it is another one; look there'), { name: 'Fault', code: 'BACKEND_FOREIGN' });
  const { guests } = await seat({ backend: () => ({ ...backend, verify: () => Promise.reject(own) }) });
  const found = await guests.backend(host, call());
  const said = await found?.verify?.(call().signal).catch((error: unknown) => error);
  t.ok(said instanceof Fault);
  t.match(said, { code: 'BACKEND_FOREIGN', message: own.message });
});

test('a token or a look that nobody waits for any more hears of that', async (t) => {
  const signals: AbortSignal[] = [];
  const hang = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise(() => undefined);
  };
  const { guests } = await seatFor(
    { token: 100, inspect: 100 },
    {
      token: (_: unknown, __: unknown, signal: AbortSignal) => hang(signal),
      inspect: (_: unknown, signal: AbortSignal) => hang(signal),
    },
  );
  const aborted = () => signals.splice(0).map((signal) => signal.aborted);
  const begun = () => new Promise((resolve) => setImmediate(resolve));
  const late = guests.token(host, null);
  await begun();
  t.equal(signals[0]?.aborted, false);
  await t.rejects(late, { code: 'TOKEN_MISSING' });
  t.same(aborted(), [true], 'its deadline has passed');
  await guests.inspect(host, () => undefined);
  t.same(aborted(), [true]);
  const link = new AbortController();
  const lost = guests.token(host, null, link.signal);
  const look = guests.inspect(host, () => undefined, link.signal);
  await begun();
  link.abort(new Error('it is gone'));
  await t.rejects(lost, { message: 'it is gone' });
  t.same(aborted(), [true, true], 'the link has gone');
  await look;
});

test('backend and token run one at a time', async (t) => {
  let running = 0;
  let most = 0;
  const slow = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return undefined;
  };
  const { guests } = await seat({ backend: slow, token: slow });
  await Promise.all([
    guests.backend(host, call()),
    guests.token(host, null),
    guests.backend(host, call()),
    guests.token(host, null),
  ]);
  t.equal(most, 1);
});

test('an answer is built anew from what it must have, and anything else is refused by name', async (t) => {
  const poisoned = JSON.parse('{"__proto__":{"polluted":true},"extra":1}');
  const { guests } = await seat({
    backend: () => ({ ...backend, ...poisoned, says: `${'x'.repeat(1_000_000)}`, token: { reveal: () => 'hunter2' } }),
  });
  const made = await guests.backend(host, call());
  t.same(Object.keys(made ?? {}).sort(), ['adopted', 'door', 'opens', 'run', 'says', 'target', 'token']);
  t.equal(Object.getPrototypeOf(made), Object.prototype);
  t.ok((made?.says.length ?? 0) <= 512);
  t.type(made?.token, Secret);
  t.equal(made?.token?.reveal(), 'hunter2');
  t.notMatch(JSON.stringify(made), /hunter2/);
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    ['text', 'localhost', /no backend: string/],
    ['no target', { ...backend, target: null }, /without a target/],
    ['port 0', { ...backend, target: { kind: 'tcp', host: 'x', port: 0 } }, /neither a host with a port/],
    ['a host with a blank', { ...backend, target: { kind: 'tcp', host: 'x y', port: 1 } }, /neither a host/],
    ['a run of 1 MB', { ...backend, run: 'x'.repeat(1 << 20) }, /a run of 1048576 characters/],
    ['a token in plain text', { ...backend, token: 'hunter2' }, /a token that is no Secret/],
    [
      'a token of 1 MB',
      { ...backend, token: new Secret('x'.repeat(1 << 20)) },
      /a token of 1048576 characters, more than 65536/,
    ],
    [
      'a path with a line end',
      { ...backend, door: { kind: 'http', path: '/\r\nX: 1', wire: { in: 'query', name: 't' } } },
      /path does not begin/,
    ],
    [
      'a header with a line end',
      { ...backend, door: { kind: 'http', path: '/', wire: { in: 'header', name: 'A', before: '\r\n' } } },
      /HTTP does not allow/,
    ],
    ['a verify that cannot be called', { ...backend, verify: true }, /verify is no function/],
    ['a wire of no kind', { ...backend, door: { kind: 'http', path: '/', wire: { in: 'cookie' } } }, /in "cookie"/],
  ];
  for (const [name, answer, message] of rows) {
    const one = await seat({ backend: () => answer });
    await t.rejects(one.guests.backend(host, call()), { code: 'LAUNCH_FAILED', message }, name);
    t.notMatch(JSON.stringify(one.said), /hunter2/);
  }
});

test('a reason of 100 MB is cut, whoever says it', async (t) => {
  const { guests } = await seat({ admit: () => 'x'.repeat(100 << 20), probe: () => 'x'.repeat(100 << 20) });
  const client = { relay: 'r', forward: 0, from: null, to: null };
  t.ok(((await guests.admit(client))?.message.length ?? 1e9) < 1_000);
  t.ok(((await guests.probe(() => Promise.reject(new Error('x')), null))?.message.length ?? 1e9) < 1_000);
});

test('a misspelt hook, and a hook of the other side, are refused when they are seated', async (t) => {
  await t.rejects(seat({ bakend: () => undefined }), {
    code: 'PLUGIN_FAILED',
    message: /a hook "bakend" from relay.*did you mean backend\?/,
  });
  await t.rejects(seat({ check: () => true }), {
    code: 'PLUGIN_FAILED',
    message: /hook check from relay; it belongs to daemon/,
  });
  await t.rejects(seat({ port: '8787', backend: () => undefined }), {
    code: 'PLUGIN_FAILED',
    message: /a port from relay that is none/,
  });
  await t.rejects(seat({ admit: true }), { code: 'PLUGIN_FAILED', message: /a hook admit that is no function/ });
});
