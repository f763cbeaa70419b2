import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Fact } from '../../../src/core/model/event.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import type { Question } from '../../../src/core/model/question.ts';
import { Secret } from '../../../src/core/model/secret.ts';
import type { ToWorker } from '../../../src/core/protocol.ts';
import { type Attendant, Attendants } from '../../../src/core/supervisor/logins/attendant.ts';
import { Questions } from '../../../src/core/supervisor/logins/questions.ts';
import { Turnstile } from '../../../src/core/model/turnstile.ts';
import { Reaper } from '../../../src/core/process/reaper.ts';
import { WorkerKeeper } from '../../../src/core/supervisor/workers/worker-keeper.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil, within } from '../../fixtures/wait.ts';

/** A keeper without a worker: what would be sent to it is written down. */
class Keeper extends WorkerKeeper {
  readonly #got: string[];
  constructor(name: string, got: string[]) {
    super(1, new Turnstile(1), new Reaper(), { message: () => undefined, gone: () => undefined });
    this.#got = got;
    this.name = name;
  }
  readonly name: string;
  override send(message: ToWorker): boolean {
    if (message.say === 'answer')
      this.#got.push(`${this.name} ${message.request}: ${message.answers?.join('+') ?? 'nobody'}`);
    return true;
  }
}

const password: Question = {
  kind: 'password',
  about: 'password me@box:22 SHA256:x',
  where: 'me@box:22',
  text: 'the password of me@box:22',
  prompts: [{ text: "me@box's password: ", echo: false }],
  again: false,
};
const again: Question = { ...password, again: true };
const code: Question = {
  ...password,
  kind: 'keyboard-interactive',
  about: 'code',
  prompts: [{ text: 'Code: ', echo: true }],
};
const rejected = new Fault('AUTH_REJECTED', 'no', { detail: { answers: 1 } }).report();
const lost = new Fault('LINK_LOST', 'gone').report();

function desk(t: Owner, { patience = 10_000, env = {} as Record<string, string> } = {}) {
  const [got, facts, nudged, paused]: [string[], Fact[], string[], string[]] = [[], [], [], []];
  let heard: () => void = () => undefined;
  const questions = new Questions({
    fact: (fact) => {
      facts.push(fact);
      heard();
    },
    pause: (_keeper, lane, waits) => void paused.push(`${lane} ${waits ? 'waits' : 'goes on'}`),
    answered: (about) => void nudged.push(about),
    env,
    patience,
  });
  t.teardown(() => questions.close());
  const [a, b] = [new Keeper('a', got), new Keeper('b', got)];
  let last = 0;
  const ask = (keeper: Keeper, lane: string, question: Question): number => {
    last += 1;
    questions.ask(keeper, { say: 'ask', request: last, by: lane, question });
    return last;
  };
  const fact = (type: Fact['type']) =>
    within(
      type,
      new Promise<void>((resolve) => {
        heard = () => {
          if (facts.some((one) => one.type === type)) resolve();
        };
        heard();
      }),
    );
  return { questions, got, facts, nudged, paused, a, b, ask, fact };
}

/** Somebody who writes down what he hears. */
function person() {
  const said: string[] = [];
  const who: Attendant = {
    asked: ({ id, relay }) => void said.push(`asked ${id} ${relay}`),
    over: (id) => void said.push(`over ${id}`),
  };
  return { who, said };
}

const secret = (text: string) => [new Secret(text)];

test('with nobody there the answer is null at once', (t) => {
  const { ask, a, got, facts, paused } = desk(t);
  ask(a, 'r#0', password);
  t.same(got, ['a 1: nobody']);
  t.match(facts, [{ type: 'question.unanswered', why: 'nobody', relay: 'r', lane: 0, wish: 'a password' }]);
  t.notOk(paused.some((one) => one.endsWith('waits')));
  t.end();
});

test('who is there is asked, and what he says is kept for the next lane and the next worker', (t) => {
  const { ask, a, b, got, questions, facts, paused } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  ask(a, 'r#0', password);
  t.same([said, got, paused], [['asked 1 r'], [], ['r#0 waits']]);
  questions.answer(1, secret('horse'));
  t.same(got, ['a 1: horse']);
  questions.shaken(a, 'r#0', null);
  ask(b, 'other#1', password);
  t.same(got, ['a 1: horse', 'b 2: horse'], 'another relay to the same account');
  t.same(said, ['asked 1 r', 'over 1']);
  t.same(
    facts.map(({ type }) => type),
    ['question.asked', 'question.answered', 'question.answered'],
  );
  t.notMatch(JSON.stringify(facts), /horse/);
  t.end();
});

test('an answer that was wrong is forgotten, whatever says so, and is sent to no server twice', (t) => {
  for (const end of ['again', 'rejected', 'worker', 'lost'] as const) {
    const { ask, a, b, got, questions } = desk(t);
    const leave = questions.attend(null, person().who);
    ask(a, 'r#0', password);
    questions.answer(1, secret('wrong'));
    leave();
    ask(b, 'other#0', password);
    t.same(got, ['a 1: wrong'], `${end}: the next one waits for the outcome`);
    if (end === 'again') ask(a, 'r#0', again);
    if (end === 'rejected') questions.shaken(a, 'r#0', rejected);
    if (end === 'worker') questions.gone(a);
    if (end === 'lost') questions.shaken(a, 'r#0', lost);
    t.notOk(
      got.slice(1).some((one) => one.includes('wrong')),
      end,
    );
    t.ok(got.includes('b 2: nobody'), end);
  }
  t.end();
});

test('an answer that a login has proven outlives a bad network, but not for ever', (t) => {
  const { ask, a, got, questions } = desk(t);
  const leave = questions.attend(null, person().who);
  ask(a, 'r#0', password);
  questions.answer(1, secret('horse'));
  leave();
  questions.shaken(a, 'r#0', null);
  for (let n = 0; n < 4; n += 1) {
    ask(a, 'r#0', password);
    questions.shaken(a, 'r#0', lost);
  }
  t.same(got, ['a 1: horse', 'a 2: horse', 'a 3: horse', 'a 4: horse', 'a 5: nobody']);
  t.end();
});

test('a code is used once, also by another lane at the same time', (t) => {
  const { ask, a, got, questions } = desk(t);
  const { who, said } = person();
  questions.attend('r', who);
  ask(a, 'r#0', code);
  ask(a, 'r#1', code);
  t.same(said, ['asked 1 r', 'asked 2 r']);
  questions.answer(1, secret('123456'));
  t.same(got, ['a 1: 123456']);
  questions.shaken(a, 'r#0', null);
  t.same(got.length, 1);
  questions.answer(2, secret('654321'));
  t.same(got, ['a 1: 123456', 'a 2: 654321']);
  t.end();
});

test('one person is asked once for what several lanes want to know', (t) => {
  const { ask, a, b, got, questions } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  ask(a, 'r#0', password);
  ask(b, 'other#0', password);
  t.same(said, ['asked 1 r']);
  questions.answer(1, secret('horse'));
  t.same(got, ['a 1: horse']);
  questions.shaken(a, 'r#0', null);
  t.same(got, ['a 1: horse', 'b 2: horse']);
  t.end();
});

test('a passphrase needs no server to judge it, and an answer that came meanwhile is not thrown away', (t) => {
  const { ask, a, b, got, questions, nudged } = desk(t);
  questions.attend(null, person().who);
  const passphrase: Question = { ...password, kind: 'passphrase', about: 'SHA256:key' };
  ask(a, 'r#0', passphrase);
  questions.answer(1, secret('old'));
  t.same(nudged, ['SHA256:key'], 'whoever is blocked by it may go on');
  ask(b, 'other#0', passphrase);
  t.same(got, ['a 1: old', 'b 2: old']);
  ask(a, 'r#0', { ...passphrase, again: true });
  questions.answer(3, secret('new'));
  ask(b, 'other#0', { ...passphrase, again: true });
  t.same(got.slice(2), ['a 3: new', 'b 4: new'], 'the lane that was handed the old one gets the new one');
  t.end();
});

test('lanes that are blocked by a question are told once its answer has let somebody in', (t) => {
  const { ask, a, questions, nudged } = desk(t);
  questions.attend(null, person().who);
  ask(a, 'r#0', password);
  questions.answer(1, secret('horse'));
  t.same(nudged, []);
  questions.shaken(a, 'r#0', null);
  t.same(nudged, [password.about]);
  t.end();
});

test('when the last one leaves, his questions are answered by nobody; another one is asked instead', (t) => {
  const { ask, a, got, questions } = desk(t);
  const [here, called] = [person(), person()];
  const leaveHere = questions.attend(null, here.who);
  const leaveCalled = questions.attend('r', called.who);
  ask(a, 'r#0', password);
  ask(a, 'other#0', code);
  t.same([here.said, called.said], [['asked 2 other'], ['asked 1 r']], 'who came for it is asked, nobody else');
  leaveCalled();
  t.same(here.said, ['asked 2 other', 'asked 1 r']);
  t.same(got, []);
  leaveHere();
  t.same(got, ['a 1: nobody', 'a 2: nobody']);
  t.end();
});

test('what a terminal declined is not put to it again before a user asks for it', (t) => {
  const { ask, a, got, questions } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  ask(a, 'r#0', password);
  questions.decline(1);
  ask(a, 'r#0', password);
  t.same(got, ['a 1: nobody', 'a 2: nobody']);
  questions.renew('r');
  ask(a, 'r#0', password);
  t.same(
    said.filter((one) => one.startsWith('asked')),
    ['asked 1 r', 'asked 3 r'],
  );
  t.end();
});

test('what was declined is put to nobody for another relay either, until a user asks for that one', (t) => {
  const { ask, a, b, got, questions, facts } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  ask(a, 'r#0', password);
  ask(b, 'other#0', password);
  questions.decline(1);
  t.same(got, ['a 1: nobody', 'b 2: nobody']);
  t.match(facts.slice(1), [
    { type: 'question.unanswered', why: 'declined', relay: 'r' },
    { type: 'question.unanswered', why: 'declined', relay: 'other' },
  ]);
  questions.renew('other');
  ask(a, 'r#0', password);
  ask(b, 'other#0', password);
  t.same(said, ['asked 1 r', 'over 1', 'asked 4 other']);
  t.end();
});

test('a code that was declined for one relay is asked for another: it would serve that one alone', (t) => {
  const { ask, a, b, questions } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  ask(a, 'r#0', code);
  questions.decline(1);
  ask(a, 'r#0', code);
  ask(b, 'other#0', code);
  t.same(said, ['asked 1 r', 'over 1', 'asked 3 other']);
  t.end();
});

test('a challenge that is worded anew each time is declined once, until a user asks for the relay', (t) => {
  const { ask, a, questions } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  const challenge = (n: number): Question => ({
    ...code,
    about: `code ${n}`,
    prompts: [{ text: `Answer to ${n}: `, echo: true }],
  });
  ask(a, 'r#0', challenge(1));
  questions.decline(1);
  ask(a, 'r#0', challenge(2));
  t.same(said, ['asked 1 r', 'over 1']);
  questions.renew('r');
  ask(a, 'r#0', challenge(3));
  t.same(said, ['asked 1 r', 'over 1', 'asked 3 r']);
  t.end();
});

test('what is declined is remembered within bounds, the newest longest', (t) => {
  const attendants = new Attendants();
  const one = (n: number) => ({ id: n, relay: 'r', question: { ...password, about: `password ${n}` } });
  for (let n = 0; n < 3_000; n += 1) attendants.decline(one(n));
  t.notOk(attendants.hasDeclined(one(0)));
  t.ok(attendants.hasDeclined(one(2_999)));
  t.ok(attendants.hasDeclined(one(2_001)));
  attendants.renew('r');
  t.notOk(attendants.hasDeclined(one(2_999)));
  t.end();
});

test('an attendant that throws is nobody from then on: questions go on to others, and end where there are none', async (t) => {
  const { ask, a, b, got, questions, facts, fact } = desk(t);
  const fail = () => {
    throw new Error('a bug in the UI');
  };
  questions.attend('r', { asked: fail, over: fail });
  ask(a, 'r#0', password);
  t.same(got, ['a 1: nobody']);
  const warned = facts.filter(({ type }) => type === 'relay.warned');
  t.match(warned, [{ relay: 'r', text: /failed \(a bug in the UI\) and is asked no more/ }]);
  const { who, said } = person();
  questions.attend(null, who);
  questions.attend('other', { asked: fail, over: fail });
  ask(b, 'other#0', code);
  t.same(said, ['asked 2 other']);
  questions.answer(2, secret('42'));
  // One that hears of the end only, as its worker is gone.
  questions.attend('r', { asked: () => undefined, over: fail });
  ask(a, 'r#0', code);
  questions.gone(a);
  t.same(got.slice(1), ['b 2: 42']);
  // One that fails later.
  const before = facts.length;
  questions.attend('r', { asked: async () => fail(), over: fail });
  ask(a, 'r#0', { ...code, about: 'another' });
  facts.splice(0, before);
  await fact('relay.warned');
  t.same(said.at(-1), 'asked 4 r');
  t.end();
});

test('a person who takes too long is waited for no longer', async (t) => {
  const { ask, a, got, questions, facts, fact } = desk(t, { patience: 50 });
  const { who, said } = person();
  questions.attend('r', who);
  ask(a, 'r#0', password);
  await fact('question.unanswered');
  t.same(got, ['a 1: nobody']);
  t.match(facts.at(-1), { type: 'question.unanswered', why: 'late' });
  t.same(said, ['asked 1 r', 'over 1']);
  t.throws(() => questions.answer(1, secret('late')), {
    code: 'USAGE',
    message: /does not wait for an answer any more/,
  });
});

test('a question that is withdrawn is over, and its lane is sent nothing', (t) => {
  const { ask, a, got, questions, paused } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  questions.withdraw(a, ask(a, 'r#0', password));
  t.same([got, said, paused], [[], ['asked 1 r', 'over 1'], ['r#0 waits', 'r#0 goes on']]);
  t.end();
});

test('an answer for each prompt, or none is taken', (t) => {
  const { ask, a, got, questions } = desk(t);
  questions.attend(null, person().who);
  ask(a, 'r#0', password);
  t.throws(() => questions.answer(1, [...secret('a'), ...secret('b')]), {
    code: 'USAGE',
    message: /has 1 prompts and was given 2/,
  });
  t.same(got, []);
  t.end();
});

test('what was kept is forgotten when its time is over', async (t) => {
  const { ask, a, got, questions } = desk(t);
  const leave = questions.attend(null, person().who);
  ask(a, 'r#0', password);
  questions.answer(1, secret('horse'), 30);
  questions.shaken(a, 'r#0', null);
  leave();
  ask(a, 'r#0', password);
  questions.shaken(a, 'r#0', null);
  t.equal(got.at(-1), 'a 2: horse');
  await waitUntil('it is forgotten', () => {
    ask(a, 'r#0', password);
    questions.shaken(a, 'r#0', null);
    return got.at(-1)?.endsWith('nobody') === true;
  });
});

test('who waits for the outcome of an answer whose time runs out meanwhile is asked', (t) => {
  let expire: () => void = () => undefined;
  t.intercept(globalThis, 'setTimeout', {
    value: (run: () => void, ms: number) => {
      if (ms === 1) expire = run;
      return { unref: () => undefined };
    },
  });
  const { ask, a, b, got, questions } = desk(t);
  const { who, said } = person();
  questions.attend(null, who);
  ask(a, 'r#0', password);
  questions.answer(1, secret('horse'), 1);
  ask(b, 'other#0', password);
  expire();
  t.same(said, ['asked 1 r', 'over 1'], 'it is still tried');
  questions.shaken(a, 'r#0', null);
  t.same(said, ['asked 1 r', 'over 1', 'asked 2 other']);
  questions.answer(2, secret('donkey'));
  t.same(got, ['a 1: horse', 'b 2: donkey']);
  t.end();
});

test('a question whose window has to wait for another one has its whole time from then on', async (t) => {
  const program = join(makeTemp(t), 'askpass');
  writeFileSync(program, '#!/bin/sh\nsleep 1.2\necho horse\n', { mode: 0o755 });
  const { ask, a, b, got, questions } = desk(t, { patience: 2_000, env: { DISPLAY: ':0', SSH_ASKPASS: program } });
  ask(a, 'r#0', password);
  ask(b, 'other#0', code);
  await waitUntil('both are answered', () => got.length === 2);
  t.same(got, ['a 1: horse', 'b 2: horse']);
  questions.close();
});
