import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import {
  awaitsAnswer,
  describeWish,
  isReusable,
  type Question,
  questionDetail,
} from '../../../src/core/model/question.ts';

function asked(...texts: readonly string[]): Question {
  return {
    kind: 'keyboard-interactive',
    about: 'keyboard-interactive me@box:22',
    where: 'me@box:22',
    text: 'one\ntwo',
    prompts: texts.map((text) => ({ text, echo: text.endsWith('!') })),
    again: false,
  };
}

test('only what plainly is the password is used again; whatever may be a code is asked for each time', (t) => {
  const passwords = [
    'Password:',
    'Password: ',
    'password',
    "me@box's password: ",
    '(me@box) Password: ',
    'Password for me@box:',
    'UNIX password: ',
  ];
  for (const text of passwords) t.equal(isReusable(asked(text)), true, text);
  const others = [
    'Verification code: ',
    'Password & verification code: ',
    'One-time password (OATH) for `me`: ',
    'New password: ',
    'Current password: ',
    'Retype new password: ',
    'Enter PASSCODE: ',
    'Password or token: ',
    'Password: \nand code',
    'Passcode or option (1-3): ',
    '',
  ];
  for (const text of others) t.equal(isReusable(asked(text)), false, text);
  t.equal(isReusable(asked('Password:', 'Code:')), false, 'two at once');
  t.equal(
    isReusable({ ...asked('x'), prompts: [{ text: 'Password: ', echo: true }] }),
    false,
    'who shows it means no password',
  );
  t.equal(isReusable(asked()), false);
  for (const kind of ['password', 'passphrase'] as const) t.equal(isReusable({ ...asked('x'), kind }), true);
  t.end();
});

test('a fault that carries a question says what is waited for, and only such a one waits for an answer', (t) => {
  const question = asked('Password: ', 'Code!');
  const detail = questionDetail(question);
  t.match(detail, {
    kind: 'keyboard-interactive',
    where: 'me@box:22',
    prompts: '"Password:" and "Code!"',
    text: 'one\\ntwo',
  });
  t.equal(describeWish(question), 'an answer to "Password:" and "Code!" (keyboard-interactive)');
  const report = (code: ConstructorParameters<typeof Fault>[0], detail = {}) =>
    new Fault(code, 'why', { detail }).report();
  t.equal(awaitsAnswer(report('NEEDS_ANSWER', detail)), true);
  t.equal(awaitsAnswer(report('AUTH_REJECTED', { answers: 3 })), true);
  t.equal(awaitsAnswer(report('NEEDS_ANSWER', { methods: 'hostbased' })), false, 'nobody can answer that');
  t.equal(awaitsAnswer(report('AUTH_REJECTED', { offered: 2 })), false, 'only keys were refused');
  t.equal(awaitsAnswer(report('HOST_KEY_CHANGED')), false);
  t.end();
});
