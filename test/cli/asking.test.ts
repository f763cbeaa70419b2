import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { join } from 'node:path';
import { test } from 'tap';
import { homeOf } from '../fixtures/cli.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import type { Owner } from '../fixtures/temp.ts';

const text = '{ "relays": { "db": { "host": "h", "forwards": ["5432"] }, "b": { "host": "h", "forwards": ["1"] } } }\n';

function write(t: Owner, name: string, content: string): string {
  const file = join(homeOf(t), name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

test('add asks for what is not said, again where an answer will not do, and writes the file', async (t) => {
  const file = write(t, 'towline.json', text);
  write(t, '.ssh/config', 'Host devbox\n  User ml\nHost prod-db prod-web\n');
  const cli = startOnTerminal(t, ['add']);
  await cli.answer(/Name of the relay.*: /, 'db\r');
  await cli.answer(/has a relay "db" already; expected another name[\s\S]*Name of the relay.*: /, 'new\r');
  await cli.answer(/1 {2}devbox[\s\S]*ml@devbox:22[\s\S]*3 {2}prod-web[\s\S]*Host.*: /, 'prod\r');
  await cli.answer(/Those fit:[\s\S]*1 {2}prod-db[\s\S]*2 {2}prod-web[\s\S]*Host.*: /, 'a;b\r');
  await cli.answer(/the character ";" is not allowed[\s\S]*Host.*: /, 'devb\r');
  await cli.answer(/devbox \(ml@devbox:22\)\?.*\[Y\/n\].*: /, '\r');
  await cli.answer(/Port of the backend on that host.*\[8787\].*: /, '70000\r');
  await cli.answer(/port 70000 is out of range[\s\S]*Port of the backend.*: /, '5432\r');
  await cli.answer(/Port on this machine.*\[0\].*: /, '1\r');
  await cli.answer(/127\.0\.0\.1:1 is taken by relay "b"[\s\S]*Port on this machine.*: /, '\r');
  await cli.answer(/or a recipe: mains, jupyter[\s\S]*What starts the backend there.*\[-\].*: /, '\r');
  await cli.answer(/Where its token is.*\[-\].*: /, 'tk-secret\r');
  await cli.answer(/that is no place of a token; expected[\s\S]*Where its token is.*: /, '\r');
  t.equal(await cli.ended, 0);
  t.match(
    stripVTControlCharacters(cli.shown()),
    /added new at .*towline\.json:1: 127\.0\.0\.1:0 -> devbox -> 127\.0\.0\.1:5432/,
  );
  t.equal(
    readFileSync(file, 'utf8'),
    text.replace(' } }\n', ', "new": { "host": "devbox", "forwards": ["0:127.0.0.1:5432"] } } }\n'),
  );
});

test('answers that are typed ahead are taken in their order', async (t) => {
  const cli = startOnTerminal(t, ['add', 'new'], 80);
  await cli.answer(/Host.*: /, '=10.0.0.7\r8788\r8789\rmains\r');
  t.equal(await cli.ended, 0);
  const config = readFileSync(join(homeOf(t), '.config/towline/config.json'), 'utf8');
  const launch = '"plugins": [{ "use": "launch", "recipe": "mains", "port": 8788 }]';
  t.match(config, `"new": { "host": "10.0.0.7", "forwards": ["8789:backend"], ${launch} }`);
});

test('with a name and a host nothing is asked', async (t) => {
  const cli = startOnTerminal(t, ['add', 'new', '--host', 'h'], 80);
  t.equal(await cli.ended, 0);
  t.ok(existsSync(join(homeOf(t), '.config/towline/config.json')));
});

for (const [key, name] of [
  ['\u0003', 'Ctrl-C'],
  ['\u0004', 'Ctrl-D'],
] as const) {
  test(`${name} leaves the questions with 130, and nothing is written`, async (t) => {
    const cli = startOnTerminal(t, ['add', 'new'], 80);
    await cli.answer(/Host.*: /, 'h\r');
    await cli.answer(/Port of the backend.*: /, key);
    t.equal(await cli.ended, 130);
    t.match(cli.shown(), /nothing was written/);
    t.notOk(existsSync(join(homeOf(t), '.config/towline')));
  });
}

test('remove asks before it writes', async (t) => {
  const file = write(t, 'towline.json', text);
  const no = startOnTerminal(t, ['remove', 'b'], 80);
  await no.answer(/Remove b \(h, 127\.0\.0\.1:1\) from .*towline\.json\?.*\[y\/N\].*: /, 'perhaps\r');
  await no.answer(/neither yes nor no/, '\r');
  t.equal(await no.ended, 0);
  t.match(no.shown(), /nothing was written/);
  const left = startOnTerminal(t, ['remove', 'b'], 80);
  await left.answer(/Remove b/, '\u0003');
  t.equal(await left.ended, 130);
  t.equal(readFileSync(file, 'utf8'), text);
  const yes = startOnTerminal(t, ['remove', 'b'], 80);
  await yes.answer(/Remove b.*: /, 'y\r');
  t.equal(await yes.ended, 0);
  t.equal(readFileSync(file, 'utf8'), '{ "relays": { "db": { "host": "h", "forwards": ["5432"] } } }\n');
});

test('at 80 columns no sentence breaks inside a word or a command', async (t) => {
  const file = join(homeOf(t), 'mine', 'towline.json');
  mkdirSync(join(homeOf(t), 'mine'), { mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600 });
  write(t, '.ssh/config', 'Host devbox\n  ProxyJump first-gate.example.net,second-gate.example.net\n');
  const add = startOnTerminal(t, ['add', '--config', file], 80);
  await add.answer(/Name of the relay.*: /, 'db\r');
  await add.answer(/another name[\s\S]*Name of the relay.*: /, 'new\r');
  await add.answer(/Host.*: /, 'devbox\r');
  await add.answer(/Port of the backend.*: /, '\r');
  await add.answer(/Port on this machine.*: /, '\r');
  await add.answer(/What starts the backend[\s\S]*: /, '\r');
  await add.answer(/Where its token is[\s\S]*: /, '\r');
  t.equal(await add.ended, 0);
  const remove = startOnTerminal(t, ['remove', 'new', '--config', file], 80);
  await remove.answer(/Remove new[\s\S]*: /, '\r');
  t.equal(await remove.ended, 0);
  const wrong = startOnTerminal(t, ['remove', 'new', '--config', `${file}.yaml`], 80);
  t.equal(await wrong.ended, 78);
  for (const { shown } of [add, remove, wrong]) {
    const lines = stripVTControlCharacters(shown()).split(/\r?\n/);
    t.match(lines.join('\n'), file);
    for (const line of lines) t.ok(line.length <= 80, `${line.length}: ${line}`);
    // A command, as any word, begins and ends in one line.
    for (const line of lines) t.equal((line.match(/`/g)?.length ?? 0) % 2, 0, line);
  }
});
