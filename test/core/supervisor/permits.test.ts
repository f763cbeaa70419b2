import { test } from 'tap';
import { Fault, type FaultReport } from '../../../src/core/model/fault.ts';
import type { Asker } from '../../../src/core/supervisor/logins/permit-records.ts';
import { Permits } from '../../../src/core/supervisor/logins/permits.ts';
import type { Owner } from '../../fixtures/temp.ts';

const busy = new Fault('SERVER_BUSY', 'exceeded MaxStartups').report();
const rejected = new Fault('AUTH_REJECTED', 'no').report();

/** Permits, askers, and what they were told in order: `name`, `name withheld CODE SECONDS`, `name recovered`. */
function office(t: Owner, now?: () => number) {
  const permits = new Permits(now);
  t.teardown(() => permits.close());
  const said: string[] = [];
  const waiting = new Map<string, () => void>();
  const faults: FaultReport[] = [];
  const spares: Record<string, number> = {};
  const ask = (name: string, { account = name, forced = false, host = 'h:22', attended = false } = {}): Asker => {
    const tell = (text: string) => {
      said.push(text);
      waiting.get(text)?.();
    };
    const asker: Asker = {
      lane: name,
      account,
      forced,
      attended: () => attended,
      grant: (spare) => {
        spares[name] = spare;
        tell(name);
      },
      withhold: (fault, wait) => {
        faults.push(fault);
        tell(`${name} withheld ${fault.code} ${Math.ceil(wait / 1_000)}`);
      },
      recovered: () => tell(`${name} recovered`),
    };
    permits.ask(host, asker);
    return asker;
  };
  const told = (text: string) => new Promise<void>((resolve) => waiting.set(text, resolve));
  return { permits, said, faults, spares, ask, told };
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
    ['five', 'one', 'six'].map((name) => `${name} withheld LOGINS_SPENT 601`),
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

test('whoever asks, four handshakes that a busy host turned away are all in ten minutes', (t) => {
  let now = 0;
  const { permits, said, faults, ask } = office(t, () => now);
  for (let n = 0; n < 20; n += 1) {
    const asker = ask('r', { forced: true });
    if (said.at(-1) === 'r') permits.shaken('h:22', asker, busy);
    now += 1_000;
  }
  t.equal(said.filter((text) => text === 'r').length, 4);
  t.same(said.slice(4, 6), ['r withheld LOGINS_SPENT 597', 'r withheld LOGINS_SPENT 596']);
  t.match(
    faults[0]?.message,
    /^h:22 is left alone until \d\d:\d\d: 4 logins from here have failed in ten minutes, and one more could have this address banned there \(fail2ban\); .*: exceeded MaxStartups$/,
  );
  now = 601_000;
  ask('later', { forced: true });
  t.equal(said.at(-1), 'later', 'the first one is forgotten, and one more may try');
  t.end();
});

test('whoever asks, three logins with the same keys are refused in an hour; other keys, and who is there to answer, may try', (t) => {
  let now = 0;
  const { permits, said, faults, ask } = office(t, () => now);
  const asked = new Fault('NEEDS_ANSWER', 'a password', { detail: { about: 'p' } }).report();
  for (const [account, fault] of [
    ['bad key', rejected],
    ['no answer', asked],
  ] as const) {
    for (let n = 0; n < 20; n += 1) {
      const asker = ask(account, { account, forced: true });
      if (said.at(-1) === account) permits.shaken('h:22', asker, fault);
      now += 60_000;
    }
    t.equal(said.filter((text) => text === account).length, 3);
  }
  t.match(
    faults.find(({ code }) => code === 'AUTH_REJECTED')?.message,
    /^no; that was the 3rd time in an hour, the next one is at \d\d:\d\d, so that the host does not lock you out; another key is tried at once$/,
  );
  t.match(faults.at(-1)?.message, /the next one is for somebody who is there to answer: `towline unlock`$/);
  ask('mended', { account: 'other key', forced: true });
  t.equal(said.at(-1), 'mended');
  ask('unlock', { account: 'no answer', forced: true, attended: true });
  t.equal(said.at(-1), 'unlock');
  ask('again', { account: 'bad key', forced: true, attended: true });
  t.match(said.at(-1), /^again withheld AUTH_REJECTED/);
  t.end();
});

test('handshakes under way may all fail: with what failed before they never exceed the budget', (t) => {
  const { permits, said, ask } = office(t);
  const account = 'one for all';
  permits.shaken('h:22', ask('first', { account }), null);
  const askers = ['a', 'b', 'c', 'd', 'e'].map((name) => ask(name, { account, forced: true }));
  t.same(said.slice(1), ['a', 'b', 'c'], 'three of the same account');
  for (const asker of askers.slice(0, 3)) permits.shaken('h:22', asker, rejected);
  t.match(said.slice(4), [/^d withheld AUTH_REJECTED 360[01]$/, /^e withheld AUTH_REJECTED 360[01]$/]);
  for (const name of ['f', 'g']) ask(name, { forced: true });
  t.same(said.slice(6), ['f'], 'three have failed, and the fourth is under way');
  t.end();
});

test('logins side by side are never promised more wrong answers together than the host may be given', (t) => {
  const { permits, said, spares, ask } = office(t);
  const wrong = (answers: number) => new Fault('AUTH_REJECTED', 'no', { detail: { answers } }).report();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ask(name, { attended: true }));
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable');
  t.same(said, ['a', 'b'], 'the third waits, but for no person');
  t.same(spares, { a: 3, b: 1 });
  permits.shaken('h:22', a, wrong(1));
  t.same(spares, { a: 3, b: 1, c: 1 }, 'one was given, one is under way');
  permits.shaken('h:22', b, null);
  permits.shaken('h:22', c, null);
  permits.shaken('h:22', ask('d', { attended: true }), wrong(2));
  t.equal(spares['d'], 2);
  const last = ask('e', { attended: true });
  t.equal(spares['e'], 1, "the last one is nobody else's");
  ask('f', { attended: true });
  t.equal(said.at(-1), 'e');
  permits.shaken('h:22', last, wrong(1));
  t.match(said.at(-1), /^f withheld LOGINS_SPENT/);
  t.end();
});

test('what those may answer wrong who wait for a person is not promised again, and keeps nobody away', (t) => {
  const { permits, said, spares, ask } = office(t);
  const a = ask('a', { attended: true });
  permits.park('h:22', a);
  const b = ask('b', { attended: true });
  permits.park('h:22', b);
  t.same(spares, { a: 3, b: 1 });
  const c = ask('c', { attended: true });
  t.equal(spares['c'], 1, 'nothing is left, but a person may take his time');
  permits.unpark('h:22', a);
  ask('d');
  t.same(said, ['a', 'b', 'c'], 'four may fail now');
  permits.shaken('h:22', a, null);
  t.same(said.at(-1), 'd');
  permits.shaken('h:22', b, 'cancelled');
  permits.shaken('h:22', c, null);
  ask('e', { attended: true });
  t.equal(spares['e'], 2, 'who has ended is promised nothing any more');
  t.end();
});

test('where nobody is there to answer each login may fail once, four at a time', (t) => {
  const { said, spares, ask } = office(t);
  for (const name of ['a', 'b', 'c', 'd']) ask(name);
  t.same(said, ['a', 'b', 'c', 'd']);
  t.same(spares, { a: 1, b: 1, c: 1, d: 1 });
  t.end();
});

test('each wrong answer counts, and so does what was broken off after the host was reached', (t) => {
  const { permits, said, ask } = office(t);
  const wrong = new Fault('AUTH_REJECTED', 'no', { detail: { answers: 3 } }).report();
  permits.shaken('h:22', ask('typed', { forced: true, attended: true }), wrong);
  permits.shaken('h:22', ask('typed', { forced: true, attended: true }), 'cancelled');
  permits.shaken('h:22', ask('typed', { forced: true, attended: true }), 'broken off');
  ask('typed', { forced: true, attended: true });
  t.same(said, ['typed', 'typed', 'typed', 'typed withheld LOGINS_SPENT 601']);
  t.end();
});

test('logins that nobody answered keep nobody away who is there to answer, but for a limit of his own', (t) => {
  const { permits, said, ask } = office(t);
  const asked = new Fault('NEEDS_ANSWER', 'a code').report();
  for (const name of ['a', 'b', 'c', 'd']) permits.shaken('h:22', ask(name), asked);
  ask('e');
  t.match(said.at(-1), /^e withheld LOGINS_SPENT/);
  for (const name of ['a', 'b', 'c', 'd']) permits.shaken('h:22', ask(name, { forced: true, attended: true }), asked);
  t.same(said.slice(5), ['a', 'b', 'c', 'd']);
  ask('a', { forced: true, attended: true });
  t.match(said.at(-1), /^a withheld LOGINS_SPENT/);
  t.end();
});

test('where nobody answers, one lane finds it out for all that would be asked the same', (t) => {
  const { permits, said, ask } = office(t);
  const asked = new Fault('NEEDS_ANSWER', 'a password', { detail: { about: 'p' } }).report();
  const first = ask('a', { account: 'dev@h:22 ' });
  for (const name of ['b', 'c']) ask(name, { account: 'dev@h:22 ' });
  permits.shaken('h:22', first, asked);
  t.same(said, ['a', 'b withheld NEEDS_ANSWER 1200', 'c withheld NEEDS_ANSWER 1200']);
  // It was not by a wish of his, who is there for another relay: he is asked.
  const attended = ask('d', { account: 'dev@h:22 ', attended: true });
  t.equal(said.at(-1), 'd');
  permits.shaken('h:22', attended, asked);
  ask('e', { account: 'dev@h:22 ', attended: true });
  t.equal(said.at(-1), 'e withheld NEEDS_ANSWER 1200', 'what a person has declined is not asked again by the next one');
  t.end();
});

test('an authentication that ran out of time stands in the log of the host, and is asked for again as of a busy one', (t) => {
  const { permits, said, ask } = office(t);
  const late = new Fault('AUTH_TIMEOUT', 'late').report();
  permits.shaken('h:22', ask('a'), late);
  permits.shaken('h:22', ask('a', { forced: true }), late);
  ask('b');
  t.match(said.at(-1), /^b withheld AUTH_TIMEOUT [456]$/);
  for (let n = 0; n < 2; n += 1) permits.shaken('h:22', ask('a', { forced: true }), late);
  ask('a', { forced: true });
  t.match(said.at(-1), /^a withheld LOGINS_SPENT/);
  const mute = new Fault('GREETING_TIMEOUT', 'mute').report();
  for (let n = 0; n < 9; n += 1) permits.shaken('other:22', ask(`${n}`, { host: 'other:22' }), mute);
  t.equal(said.at(-1), '8', 'who never said a word has written nothing down');
  t.end();
});

test('a host whose key nobody has trusted yet is asked by every relay, and by all of them once it is', (t) => {
  const { permits, said, ask } = office(t);
  const unknown = new Fault('HOST_KEY_UNKNOWN', 'the host key is in no known_hosts file').report();
  const names = Array.from({ length: 12 }, (_, n) => `r${n}`);
  for (const name of names) permits.shaken('h:22', ask(name), unknown);
  t.same(said, names);
  for (const name of names) permits.shaken('h:22', ask(name, { forced: true }), null);
  t.same(said, [...names, ...names]);
  t.end();
});
