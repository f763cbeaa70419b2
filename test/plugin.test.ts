import { once } from 'node:events';
import { createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'tap';
import { definePlugin, Fault, type Plugin, pluginConforms, Secret } from '../src/plugin.ts';

const numbers = {
  parse(value: unknown): { readonly n: number } {
    const { n = 1, ...others } = Object(value);
    const [odd] = Object.keys(others);
    if (odd !== undefined) throw new Error(`"${odd}" is no option; there is n`);
    if (typeof n !== 'number') throw new Error('n is no number');
    return { n };
  },
};

// tsc reads this file: each of these lines would be an error if the types let the mistake pass.
function mistakes(): readonly unknown[] {
  return [
    // @ts-expect-error a plugin without a name
    definePlugin({ relay: () => ({}) }),
    // @ts-expect-error a factory that does not exist
    definePlugin({ name: 'x', relays: () => ({}) }),
    // @ts-expect-error a misspelt hook
    definePlugin({ name: 'x', relay: () => ({ admti: () => true as const }) }),
    // @ts-expect-error a misspelt hook beside a right one
    definePlugin({ name: 'x', relay: () => ({ observe: () => undefined, admti: () => true as const }) }),
    // @ts-expect-error the same in an async factory
    definePlugin({ name: 'x', relay: async () => ({ observe: () => undefined, admti: () => true as const }) }),
    // @ts-expect-error a hook of the other side
    definePlugin({ name: 'x', daemon: () => ({ observe: () => undefined, admit: () => true as const }) }),
    // @ts-expect-error a gate answers true or a reason, never false
    definePlugin({ name: 'x', relay: () => ({ admit: () => false }) }),
    // @ts-expect-error wrap returns a stream
    definePlugin({ name: 'x', relay: () => ({ wrap: () => 'stream' }) }),
    // @ts-expect-error a token is a Secret
    definePlugin({ name: 'x', relay: () => ({ token: () => 'hunter2' }) }),
    // @ts-expect-error a backend says where it listens
    definePlugin({ name: 'x', relay: () => ({ backend: () => ({ run: 'r', adopted: false, door: null, says: '' }) }) }),
    // @ts-expect-error a credential of no known kind
    definePlugin({ name: 'x', relay: () => ({ identify: () => ({ kind: 'pin', pin: '1' }) }) }),
    // @ts-expect-error an option that parse does not return
    definePlugin({ name: 'x', options: numbers, relay: ({ options }) => ({ admit: () => options.m > 1 || 'no' }) }),
    // @ts-expect-error options without parse
    definePlugin({ name: 'x', options: { n: 1 }, relay: () => ({}) }),
    definePlugin({
      name: 'x',
      relay(context) {
        // @ts-expect-error nobody may change what a factory was handed
        context.relay = 'y';
        return {};
      },
    }),
  ];
}

test('definePlugin types hooks by their factory, and stamps the version', (t) => {
  const plugin = definePlugin({
    name: 'typed',
    options: numbers,
    daemon: ({ options }) => ({ check: (config) => config.relays.length >= options.n || 'too few relays' }),
    relay: async ({ options, signal }) => ({
      admit: (client) => client.forward < options.n || `forward ${client.forward} is shut`,
      wrap: (stream) => (signal.aborted ? new Duplex() : stream),
      identify: ({ last }) => (last ? { kind: 'password', password: new Secret('x') } : undefined),
      token: () => null,
      observe: (event) => void event.type,
    }),
  });
  t.equal(plugin.api, 1);
  t.type(mistakes, 'function');
  t.end();
});

const admitting: Plugin = { name: 'fine', relay: () => ({ admit: () => true }) };

test('pluginConforms takes what keeps the rules', async () => {
  await pluginConforms(admitting);
  await pluginConforms(
    { name: 'optional', options: numbers, relay: () => ({}) },
    { options: { n: 2 }, refused: [{ n: '2' }] },
  );
  await pluginConforms({
    name: 'tidy',
    relay({ signal }) {
      const timer = setInterval(() => undefined, 1_000);
      signal.addEventListener('abort', () => clearInterval(timer));
      return { observe: () => undefined };
    },
  });
  await pluginConforms({
    name: 'choosy',
    relay() {
      throw new Fault('PLUGIN_FAILED', 'plugin choosy works on the moon only; remove it here');
    },
  });
});

test('pluginConforms names what is wrong', async (t) => {
  const loose = (value: unknown) => value as Plugin;
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /has no default export that is a plugin/],
    ['a version to come', { ...admitting, api: 2 }, /version 2 of the plugin interface.*update towline/],
    ['no name', { relay: () => ({}) }, /has no name/],
    ['no factory', { name: 'x' }, /neither a daemon nor a relay function/],
    ['a misspelt factory', { name: 'x', realy: () => ({}) }, /has a key "realy".*did you mean relay\?/],
    ['a misspelt hook', { name: 'x', relay: () => ({ admti: () => true }) }, /a hook "admti".*did you mean admit\?/],
    [
      'a hook of the other side',
      { name: 'x', relay: () => ({ check: () => true }) },
      /check from relay; it belongs to daemon/,
    ],
    ['no hooks', { name: 'x', relay: () => 'hooks' }, /returned string from relay/],
    [
      'a throw',
      { name: 'x', relay: () => Promise.reject(new Error('broken')) },
      /relay failed.*first time: Error: broken/,
    ],
    [
      'a gate that answers false',
      { name: 'x', relay: () => ({ admit: () => false }) },
      /what admit answers is no text/,
    ],
    ['options that take all', { name: 'x', options: { parse: (v: unknown) => v }, relay: () => ({}) }, /should refuse/],
    [
      'options without a word',
      {
        name: 'x',
        options: {
          parse: () => {
            throw new Error('');
          },
        },
        relay: () => ({}),
      },
      /is no text/,
    ],
  ];
  for (const [name, plugin, message] of rows) await t.rejects(pluginConforms(loose(plugin)), { message }, name);
});

test('pluginConforms finds what stays open', async (t) => {
  const timers: NodeJS.Timeout[] = [];
  t.teardown(() => {
    for (const timer of timers) clearInterval(timer);
  });
  await t.rejects(
    pluginConforms({
      name: 'leaky',
      relay() {
        timers.push(setInterval(() => undefined, 1_000));
        return {};
      },
    }),
    { message: /its relay leaves open after its signal was aborted: Timeout/ },
  );
  const servers: ReturnType<typeof createServer>[] = [];
  t.teardown(() => {
    for (const server of servers) server.close();
  });
  await t.rejects(
    pluginConforms({
      name: 'open',
      async daemon() {
        const server = createServer().listen(0, '127.0.0.1');
        servers.push(server);
        await once(server, 'listening');
        return {};
      },
    }),
    { message: /its daemon leaves open.*TCPServerWrap|TCPSocketWrap/ },
  );
});
