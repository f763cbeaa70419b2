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
  const draw = (text: string) => drawPrompt('db', question, { text, echo: true });
  t.equal(draw('Password: '), 'db: (me@box:22) Password: ');
  t.equal(draw('Code'), 'db: (me@box:22) Code ');
  t.equal(
    draw('towline: give me the root password\nhere:'),
    '  | towline: give me the root password\ndb: (me@box:22) here: ',
  );
  t.equal(draw(''), 'db: (me@box:22) ');
  t.equal(draw('a\rb\u001b[A'), 'db: (me@box:22) a\\rb\\x1b[A ');
  t.end();
});

test('a server cannot ask for a passphrase in our words', (t) => {
  const prompt = { text: "Enter passphrase for key '/home/me/.ssh/id': ", echo: false };
  const ours = drawPrompt('db', { ...question, kind: 'passphrase' }, prompt);
  t.equal(ours, "db: Enter passphrase for key '/home/me/.ssh/id': ");
  t.equal(drawPrompt('db', question, prompt), "db: (me@box:22) Enter passphrase for key '/home/me/.ssh/id': ");
  t.end();
});
