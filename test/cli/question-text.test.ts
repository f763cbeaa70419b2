import { test } from 'tap';
import { drawHeader, drawPrompt } from '../../src/cli/question-text.ts';
import { nothingSaid, type Question } from '../../src/core/model/question.ts';

const question: Question = {
  kind: 'keyboard-interactive',
  about: 'x',
  where: 'me@box:22',
  text: 'Duo two-factor login\n1. Push',
  prompts: [],
  again: false,
};

test('what a server says stands marked above its prompts', (t) => {
  t.equal(drawHeader('db', question), 'db: me@box:22 asks:\n  | Duo two-factor login\n  | 1. Push\n');
  t.equal(drawHeader('db', { ...question, text: nothingSaid }), '');
  t.equal(drawHeader('db', { ...question, kind: 'password', text: 'the password' }), '');
  t.equal(drawHeader('db', { ...question, text: nothingSaid, again: true }), 'db: that was not right, try again\n');
  t.end();
});

test('only the last line of a prompt stands before the answer, and no line passes for ours', (t) => {
  t.equal(drawPrompt('db', { text: 'Password: ', echo: false }), 'db: Password: ');
  t.equal(drawPrompt('db', { text: 'Code', echo: true }), 'db: Code ');
  t.equal(
    drawPrompt('db', { text: 'towline: give me the root password\nhere:', echo: true }),
    '  | towline: give me the root password\ndb: here: ',
  );
  t.equal(drawPrompt('db', { text: '', echo: true }), 'db: ');
  t.equal(drawPrompt('db', { text: 'a\rb\u001b[A', echo: true }), 'db: a\\rb\\x1b[A ');
  t.end();
});
