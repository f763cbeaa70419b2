import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { Permits } from '../../../src/core/supervisor/permits.ts';

/** Asks, and says in which order grants came. */
function asker(permits: Permits, granted: string[], host: string, name: string, account = name, forced = false) {
  const asked = { account, forced, grant: () => granted.push(name) };
  permits.ask(host, asked);
  return asked;
}

test('at most four handshakes run at once to one host, in order; another host has its own four', (t) => {
  const permits = new Permits();
  t.teardown(() => permits.close());
  const granted: string[] = [];
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) asker(permits, granted, 'h:22', name);
  asker(permits, granted, 'other:22', 'x');
  t.same(granted, ['a', 'b', 'c', 'd', 'x']);
  permits.shaken('h:22', 'a', null);
  t.same(granted, ['a', 'b', 'c', 'd', 'x', 'e']);
  permits.shaken('h:22', 'b', 'cancelled');
  t.same(granted.at(-1), 'f');
  t.end();
});

test('an asker that withdraws is never granted', (t) => {
  const permits = new Permits();
  t.teardown(() => permits.close());
  const granted: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) asker(permits, granted, 'h:22', name);
  const late = asker(permits, granted, 'h:22', 'late');
  permits.withdraw('h:22', late);
  permits.shaken('h:22', 'a', null);
  t.notOk(granted.includes('late'));
  t.end();
});

test('a busy host is left alone for a second, then one asker finds out for all', async (t) => {
  const permits = new Permits();
  t.teardown(() => permits.close());
  const granted: string[] = [];
  const busy = new Fault('SERVER_BUSY', 'exceeded MaxStartups').report();
  asker(permits, granted, 'h:22', 'first');
  permits.shaken('h:22', 'first', busy);
  const began = performance.now();
  await new Promise<void>((resolve) => {
    permits.ask('h:22', { account: 'x', forced: false, grant: resolve });
    asker(permits, granted, 'h:22', 'second');
  });
  const waited = performance.now() - began;
  t.ok(waited >= 790 && waited < 5_000, `waited ${Math.round(waited)} ms`);
  t.same(granted, ['first'], 'the second waits for what the first one finds');
  permits.shaken('h:22', 'x', null);
  t.same(granted, ['first', 'second'], 'a success ends the waiting');
});

test('refused credentials are not tried again by any relay, unless a file changed or the user asked', (t) => {
  const permits = new Permits();
  t.teardown(() => permits.close());
  const granted: string[] = [];
  const account = 'dev@h:22 SHA256:bad';
  asker(permits, granted, 'h:22', 'one', account);
  permits.shaken('h:22', account, new Fault('AUTH_REJECTED', 'no').report());
  asker(permits, granted, 'h:22', 'same key', account);
  asker(permits, granted, 'h:22', 'other key', 'dev@h:22 SHA256:good');
  t.same(granted, ['one', 'other key']);
  asker(permits, granted, 'h:22', 'asked for', account, true);
  t.same(granted, ['one', 'other key', 'asked for']);
  permits.shaken('h:22', account, null);
  t.same(granted.at(-1), 'same key', 'a success clears the account');
  t.end();
});
