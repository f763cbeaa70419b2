import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { type Asker, Permits } from '../../../src/core/supervisor/permits.ts';
import type { Owner } from '../../fixtures/temp.ts';

const busy = new Fault('SERVER_BUSY', 'exceeded MaxStartups').report();
const rejected = new Fault('AUTH_REJECTED', 'no').report();

/** Permits, askers, and what they were told in order: `name`, `name withheld CODE SECONDS`, `name recovered`. */
function office(t: Owner) {
  const permits = new Permits();
  t.teardown(() => permits.close());
  const said: string[] = [];
  const waiting = new Map<string, () => void>();
  const ask = (name: string, { account = name, forced = false, host = 'h:22' } = {}): Asker => {
    const tell = (text: string) => {
      said.push(text);
      waiting.get(text)?.();
    };
    const asker: Asker = {
      lane: name,
      account,
      forced,
      grant: () => tell(name),
      withhold: (fault, wait) => tell(`${name} withheld ${fault.code} ${Math.ceil(wait / 1_000)}`),
      recovered: () => tell(`${name} recovered`),
    };
    permits.ask(host, asker);
    return asker;
  };
  const told = (text: string) => new Promise<void>((resolve) => waiting.set(text, resolve));
  return { permits, said, ask, told };
}

test('at most four handshakes run at once to one host, in order; another host has its own four', (t) => {
  const { permits, said, ask } = office(t);
  const [a, b] = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ask(name));
  ask('x', { host: 'other:22' });
  t.same(said, ['a', 'b', 'c', 'd', 'x']);
  if (a === undefined || b === undefined) throw new Error('unreachable');
  permits.shaken('h:22', a, null);
  t.same(said, ['a', 'b', 'c', 'd', 'x', 'e']);
  permits.shaken('h:22', b, 'cancelled');
  t.same(said.at(-1), 'f');
  t.end();
});

test('credentials that nobody has accepted yet are tried once, then by all', (t) => {
  const { permits, said, ask } = office(t);
  const account = 'dev@h:22 SHA256:new';
  const askers = ['a', 'b', 'c'].map((name) => ask(name, { account }));
  t.same(said, ['a'], 'one finds out for all');
  const [first] = askers;
  if (first === undefined) throw new Error('unreachable');
  permits.shaken('h:22', first, null);
  t.same(said, ['a', 'b', 'c']);
  t.end();
});

test('an asker that withdraws is never granted', (t) => {
  const { permits, said, ask } = office(t);
  const [a] = ['a', 'b', 'c', 'd'].map((name) => ask(name));
  const late = ask('late');
  permits.withdraw('h:22', late);
  if (a === undefined) throw new Error('unreachable');
  permits.shaken('h:22', a, null);
  t.notOk(said.includes('late'));
  t.end();
});

test('a busy host is left alone for a second, then one asker finds out for all', async (t) => {
  const { permits, said, ask, told } = office(t);
  permits.shaken('h:22', ask('first'), busy);
  const began = performance.now();
  const granted = told('second');
  const second = ask('second');
  ask('third');
  await granted;
  const waited = performance.now() - began;
  t.ok(waited >= 790, `waited ${Math.round(waited)} ms`);
  t.same(said, ['first', 'second'], 'the third waits for what the second one finds');
  permits.shaken('h:22', second, busy);
  t.match(said.slice(2), [/^third withheld SERVER_BUSY [4-6]$/], 'who would wait for long is told why');
  ask('fourth');
  t.match(said.at(-1), /^fourth withheld SERVER_BUSY [4-6]$/);
  permits.shaken('h:22', ask('hasty', { forced: true }), null);
  t.same(said.slice(4), ['hasty', 'first recovered', 'second recovered', 'third recovered', 'fourth recovered']);
});

test('four failures of a busy host, whichever relays met them, end the tries of all for ten minutes', (t) => {
  const { permits, said, ask } = office(t);
  for (const name of ['one', 'two', 'three', 'four']) permits.shaken('h:22', ask(name, { forced: true }), busy);
  for (const name of ['five', 'one', 'six']) ask(name);
  t.same(
    said.slice(4),
    ['five', 'one', 'six'].map((name) => `${name} withheld SERVER_BUSY 573`),
  );
  t.end();
});

test('a ProxyCommand whose login failed is run for one of its relays, and the others wait', (t) => {
  const { permits, said, ask } = office(t);
  const failed = new Fault('PROXY_COMMAND_FAILED', 'no', { detail: { exit: 255, ran: 145 } }).report();
  for (const name of ['one', 'two', 'three']) permits.shaken('h:22', ask(name, { forced: true }), failed);
  ask('four');
  t.match(said, ['one', 'two', 'three', /^four withheld PROXY_COMMAND_FAILED [456]$/]);
  t.end();
});

test('refused credentials are not tried again by any relay, unless a file changed or the user asked', (t) => {
  const { permits, said, ask } = office(t);
  const account = 'dev@h:22 SHA256:bad';
  permits.shaken('h:22', ask('one', { account }), rejected);
  ask('same key', { account });
  ask('other key', { account: 'dev@h:22 SHA256:good' });
  t.same(said, ['one', 'same key withheld AUTH_REJECTED 1200', 'other key']);
  const asked = ask('asked for', { account, forced: true });
  t.equal(said.at(-1), 'asked for');
  permits.shaken('h:22', asked, null);
  t.same(said.slice(-2), ['one recovered', 'same key recovered'], 'a success clears the account');
  t.end();
});

test('a clock that is set back prolongs nothing', async (t) => {
  const { permits, ask, told } = office(t);
  permits.shaken('h:22', ask('first'), busy);
  const now = Date.now;
  t.teardown(() => {
    Date.now = now;
  });
  Date.now = () => now() - 3_600_000;
  const granted = told('second');
  ask('second');
  await granted;
  t.pass('a second later it was granted');
});

test('a login that waits for a person keeps nobody else from the host, and its account for itself', (t) => {
  const { permits, said, ask } = office(t);
  const askers = ['a', 'b', 'c', 'd'].map((name) => ask(name));
  ask('e');
  ask('a2', { account: 'a' });
  t.same(said, ['a', 'b', 'c', 'd']);
  for (const asker of askers) permits.park('h:22', asker);
  t.same(said, ['a', 'b', 'c', 'd', 'e'], 'a2 would ask the same person the same');
  const more = ['f', 'g', 'h', 'i'].map((name) => ask(name));
  t.same(said.slice(5), ['f', 'g', 'h'], 'at most eight connections are open');
  const [a, b] = askers;
  const [f] = more;
  if (a === undefined || b === undefined || f === undefined) throw new Error('unreachable');
  permits.park('h:22', f);
  t.same(said.slice(8), [], 'a fifth one is no longer parked');
  permits.unpark('h:22', a);
  permits.shaken('h:22', a, null);
  t.same(said.slice(8), [], 'five were active, four are');
  permits.shaken('h:22', f, null);
  t.same(said.slice(8), ['a2']);
  permits.shaken('h:22', b, 'cancelled');
  t.same(said.slice(9), [], 'a parked one that ends leaves no second place');
  t.end();
});
