import { setTimeout as sleep } from 'node:timers/promises';
import type { AuthenticationType, KeyboardAuthContext } from 'ssh2';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import type { Ask } from '../../../../src/core/model/question.ts';
import { type Rogue, startRogue } from '../../../fixtures/rogue-server.ts';
import type { Owner } from '../../../fixtures/temp.ts';
import { logInAsked } from './asked.ts';

type Login = NonNullable<Rogue['login']>;

const hidden = (prompt: string) => ({ prompt, echo: false });

/** A server that takes keyboard-interactive only, and talks with who tries it. */
function interactive(t: Owner, talk: (context: KeyboardAuthContext, attempt: number) => void) {
  let attempt = 0;
  const login: Login = (context) => {
    if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
    attempt += 1;
    talk(context, attempt);
  };
  return startRogue(t, { login });
}

/** A server that takes this password only. */
function password(t: Owner, right: string) {
  const tried: string[] = [];
  const login: Login = (context) => {
    if (context.method !== 'password') return context.reject(['password']);
    tried.push(context.password);
    if (context.password === right) context.accept();
    else context.reject(['password']);
  };
  return startRogue(t, { login }).then((server) => ({ server, tried }));
}

/** Answers in turn; then nobody is there. */
function answers(...all: readonly (readonly string[])[]): Ask {
  const left = [...all];
  return async () => {
    const next = left.shift();
    if (next === undefined) throw new Fault('NEEDS_ANSWER', 'nobody is there', { detail: { about: 'x' } });
    return next;
  };
}

test('a wrong password is asked for again, and the right one logs in', async (t) => {
  const { server, tried } = await password(t, 'right');
  const { fault, questions } = await logInAsked(t, server, {}, answers(['wrong'], ['right']));
  t.equal(fault, null);
  t.same(tried, ['wrong', 'right']);
  t.match(questions, [
    { kind: 'password', again: false, prompts: [{ text: "anyone@127.0.0.1's password: ", echo: false }] },
    { kind: 'password', again: true },
  ]);
  t.match(
    questions[0]?.about,
    /^password anyone@127\.0\.0\.1:\d+ SHA256:/,
    'it belongs to that account on that host key',
  );
  t.equal(questions[0]?.about, questions[1]?.about);
});

test('NumberOfPasswordPrompts wrong passwords end the login with a named fault', async (t) => {
  const { server, tried } = await password(t, 'right');
  const { fault } = await logInAsked(t, server, { passwordPrompts: 2 }, answers(['a'], ['b'], ['c']));
  t.same(tried, ['a', 'b']);
  t.match(fault, { code: 'AUTH_REJECTED', message: /rejected 2 answers that it asked for; `towline unlock` asks/ });
  t.match(fault?.detail, { answers: 2 });
});

test('a host that may be given two wrong answers is given two, however it asks, and one at least', async (t) => {
  const tried: string[] = [];
  const both: AuthenticationType[] = ['keyboard-interactive', 'password'];
  const login: Login = (context) => {
    if (context.method === 'password') tried.push(context.password);
    if (context.method !== 'keyboard-interactive') return context.reject(both);
    context.prompt([hidden('Password: ')], ([said = '']) => {
      tried.push(said);
      context.reject(both);
    });
  };
  const server = await startRogue(t, { login });
  const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((text) => [text]);
  const { fault } = await logInAsked(t, server, {}, answers(...all), { spare: 2 });
  t.same(tried, ['a', 'b']);
  t.match(fault, { code: 'AUTH_REJECTED', detail: { answers: 2 } });
  tried.length = 0;
  await logInAsked(t, server, {}, answers(...all), { spare: 0 });
  t.same(tried, ['a']);
  tried.length = 0;
  await logInAsked(t, server, {}, answers(...all));
  t.equal(tried.length, 6, 'as with ssh: each way by itself');
});

test('two prompts in one round are one question with two answers', async (t) => {
  let got: readonly string[] = [];
  const server = await interactive(t, (context) => {
    context.prompt(
      [hidden('Password: '), { prompt: 'Code: ', echo: true }],
      'Two factors',
      'Have your token at hand',
      (said) => {
        got = said;
        context.accept();
      },
    );
  });
  const { fault, questions } = await logInAsked(t, server, {}, answers(['horse', '123456']));
  t.equal(fault, null);
  t.same(got, ['horse', '123456']);
  t.match(questions, [
    {
      kind: 'keyboard-interactive',
      text: 'Two factors\nHave your token at hand',
      prompts: [
        { text: 'Password: ', echo: false },
        { text: 'Code: ', echo: true },
      ],
    },
  ]);
  t.equal(questions.length, 1);
});

test('two rounds are two questions in one connection, and a round without prompts asks nobody', async (t) => {
  const server = await interactive(t, (context) => {
    context.prompt([hidden('Password: ')], () =>
      context.prompt([], 'Nothing to type', () => context.prompt([hidden('Code: ')], () => context.accept())),
    );
  });
  const { fault, questions } = await logInAsked(t, server, {}, answers(['horse'], ['123456']));
  t.equal(fault, null);
  t.same(
    questions.map(({ prompts, again }) => [prompts[0]?.text, again]),
    [
      ['Password: ', false],
      ['Code: ', false],
    ],
  );
});

test('the same prompt once more says that the answer was wrong, also within one exchange', async (t) => {
  const server = await interactive(t, (context) => {
    context.prompt([hidden('Password: ')], () => context.prompt([hidden('Password: ')], () => context.accept()));
  });
  const { questions } = await logInAsked(t, server, {}, answers(['a'], ['b']));
  t.same(
    questions.map(({ again }) => again),
    [false, true],
  );
});

test('a key first, then a code: after the partial success nothing counts as asked before', async (t) => {
  const login: Login = (context) => {
    if (context.method === 'publickey' && context.signature === undefined) return context.accept();
    if (context.method === 'publickey') return context.reject(['keyboard-interactive'], true);
    if (context.method === 'keyboard-interactive') return context.prompt([hidden('Code: ')], () => context.accept());
    context.reject(['publickey']);
  };
  const server = await startRogue(t, { login });
  const { fault, questions } = await logInAsked(t, server, {}, answers(['123456']));
  t.equal(fault, null);
  t.equal(questions.length, 1);
  const nobody = await logInAsked(t, server, {}, answers());
  t.match(nobody.fault, { code: 'NEEDS_ANSWER', message: 'nobody is there' });
  t.notMatch(nobody.fault?.detail, { rejected: 1 }, 'the key was accepted');
});

test('where keys were rejected before nobody answered, the fault says so', async (t) => {
  const login: Login = (context) => context.reject(['publickey', 'password']);
  const { fault } = await logInAsked(t, await startRogue(t, { login }), {}, answers());
  t.match(fault, {
    code: 'NEEDS_ANSWER',
    message: /^nobody is there; before that it rejected every identity \(offered: ssh-ed25519/,
  });
  t.match(fault?.detail, { about: 'x', rejected: 1 });
});

test('with BatchMode nobody is asked, and the fault says what forbids it', async (t) => {
  const { server, tried } = await password(t, 'right');
  const { fault, questions } = await logInAsked(t, server, { batchMode: true }, answers(['right']));
  t.same([questions, tried], [[], []]);
  t.match(fault, { code: 'NEEDS_ANSWER', message: /wants password to log in, and BatchMode lets nobody be asked/ });
});

test('a server that wants a new password ends the login with a named fault', async (t) => {
  const login: Login = (context, innards) => {
    if (context.method !== 'password') return context.reject(['password']);
    innards.authPasswdChg('Your password\u001b[31m has expired');
  };
  const { fault } = await logInAsked(t, await startRogue(t, { login }), {}, answers(['old']));
  t.match(fault, {
    code: 'PASSWORD_EXPIRED',
    message: /has expired \("Your password\\x1b\[31m has expired"\); log in once/,
  });
});

test('what a server says is escaped and short', async (t) => {
  const server = await interactive(t, (context) => {
    context.prompt(
      [hidden(`\u001b]52;c;aGk=\u0007Pass\u202eword${'x'.repeat(5_000)}`)],
      '\u001b[2Jname',
      'a\nb',
      () => undefined,
    );
  });
  const { questions, fault } = await logInAsked(t, server, {}, answers());
  const [{ text = '', prompts = [], about = '' } = {}] = questions;
  t.equal(text, '\\x1b[2Jname\na\nb');
  t.match(prompts[0]?.text, /^\\x1b\]52;c;aGk=\\x07Pass\\u\{202e\}wordx+/);
  for (const one of [text, about, prompts[0]?.text ?? '', fault?.message ?? '']) {
    t.notMatch(one, /[^\n\P{Cc}]|\u202e/u);
    t.ok(one.length < 1_500, `${one.length} characters`);
  }
});

test('a thousand prompts, endless rounds and a question before the answer are no way to ask', async (t) => {
  const many = await interactive(t, (context) => {
    context.prompt(
      Array.from({ length: 1_000 }, () => hidden('x: ')),
      () => undefined,
    );
  });
  t.match((await logInAsked(t, many, {}, answers(['x']))).fault, {
    code: 'PROTOCOL_ERROR',
    message: /asks 1000 questions at once/,
  });

  const endless = await interactive(t, (context) => {
    const again = () => context.prompt([hidden('x: ')], again);
    again();
  });
  const ended = await logInAsked(t, endless, {}, async () => ['x']);
  t.match(ended.fault, { code: 'PROTOCOL_ERROR', message: /asks for the 17th time in one login/ });
  t.equal(ended.questions.length, 16);

  const hasty = await startRogue(t, {
    login: (context, innards) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      innards.authInfoReq('', '', [hidden('one: ')]);
      innards.authInfoReq('', '', [hidden('two: ')]);
    },
  });
  const waits: Ask = (_question, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  t.match((await logInAsked(t, hasty, {}, waits)).fault, {
    code: 'PROTOCOL_ERROR',
    message: /asks before it was answered/,
  });
});

test('an endless talk without prompts is ended by the deadline', async (t) => {
  const server = await interactive(t, (context) => {
    const again = () => context.prompt([], again);
    again();
  });
  const { fault, questions } = await logInAsked(t, server, {}, answers(), { auth: 300 });
  t.match(fault, { code: 'AUTH_TIMEOUT' });
  t.same(questions, []);
});

test('the time that a person takes counts for no deadline', async (t) => {
  const { server } = await password(t, 'right');
  const { fault } = await logInAsked(t, server, {}, () => sleep(900, ['right']), { auth: 300 });
  t.equal(fault, null);
});

test('a server that would not wait for the answer is named with its LoginGraceTime, and nobody is asked on', async (t) => {
  let over = false;
  const server = await startRogue(t, {
    login: (context, innards) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      context.prompt([hidden('Code: ')], () => undefined);
      setImmediate(() => innards.disconnect(2));
    },
  });
  const waits: Ask = (_question, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        over = true;
        reject(signal.reason);
      }),
    );
  const { fault } = await logInAsked(t, server, {}, waits);
  t.match(fault, {
    code: 'NEEDS_ANSWER',
    message: /ended the login while an answer to "Code:" .* was waited for; .* LoginGraceTime/,
  });
  t.match(fault?.detail, { about: /^keyboard-interactive / });
  t.equal(over, true);
});

test('a server that gives up an exchange while a person is asked may be tried by the next method', async (t) => {
  const server = await startRogue(t, {
    login: (context) => {
      if (context.method === 'password') return context.accept();
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive', 'password']);
      context.prompt([hidden('Push sent: ')], () => undefined);
      setImmediate(() => context.reject(['password']));
    },
  });
  const asks: Ask = ({ kind }, signal) =>
    kind === 'password'
      ? Promise.resolve(['x'])
      : new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const { fault, questions } = await logInAsked(t, server, {}, asks);
  t.equal(fault, null);
  t.same(
    questions.map(({ kind }) => kind),
    ['keyboard-interactive', 'password'],
  );
});
