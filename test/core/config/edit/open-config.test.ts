import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import type { Edit } from '../../../../src/core/config/edit/edit-relays.ts';
import { changeConfig, openConfig } from '../../../../src/core/config/edit/open-config.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { least, thrown, write } from '../place.ts';

const added: Edit = { kind: 'add', name: 'new', relay: { host: 'devbox', forward: '8787' } };

test('a new config is born 0600 in a folder of 0700, and is read back', (t) => {
  const home = makeTemp(t, 'edit');
  const file = join(home, '.config/towline/config.json');
  const opened = changeConfig(openConfig(file, false, home), added);
  t.match(opened.config?.relays, [{ name: 'new', host: 'devbox' }]);
  t.equal(opened.lines.get('new'), 3);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(dirname(file)).mode & 0o777, 0o700);
  t.strictSame(readdirSync(dirname(file)), ['config.json'], 'nothing else is left');
  t.end();
});

test('mode and owner stay, and a link goes on to lead to its file', (t) => {
  const home = makeTemp(t, 'edit');
  mkdirSync(join(home, 'real'), { mode: 0o700 });
  const real = write(join(home, 'real/config.yaml'), 'relays:\n  db: {host: h, forwards: ["1"]} # db\n');
  chmodSync(real, 0o644);
  if (process.geteuid?.() === 0) chownSync(real, 0, 4242);
  const before = statSync(real);
  const link = join(home, 'towline.yaml');
  symlinkSync('real/config.yaml', link);
  changeConfig(openConfig(link, true, home), added);
  t.ok(lstatSync(link).isSymbolicLink());
  const after = statSync(real);
  t.strictSame([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
  t.not(after.ino, before.ino, 'it is another file, put in place at once');
  t.equal(
    readFileSync(real, 'utf8'),
    'relays:\n  db: {host: h, forwards: ["1"]} # db\n  new: {host: "devbox", forwards: ["8787"]}\n',
  );
  t.strictSame(readdirSync(join(home, 'real')), ['config.yaml']);
  t.strictSame(readdirSync(home).sort(), ['real', 'towline.yaml']);
  t.end();
});

test('what would make the config invalid is not written', (t) => {
  const home = makeTemp(t, 'edit');
  const file = write(join(home, 'towline.json'), least);
  const taken: Edit = { kind: 'add', name: 'other', relay: { host: 'h', forward: '5432' } };
  const fault = thrown(() => changeConfig(openConfig(file, true, home), taken));
  t.match(fault, {
    code: 'CONFIG_INVALID',
    message: /the change was not made.*127\.0\.0\.1:5432 is taken by relays\.db/,
  });
  t.equal(readFileSync(file, 'utf8'), least);
  t.strictSame(readdirSync(home), ['towline.json']);
  t.end();
});

test('a file that changed meanwhile is left as it is', (t) => {
  const home = makeTemp(t, 'edit');
  const file = join(home, 'towline.json');
  const missing = openConfig(file, false, home);
  write(file, least);
  t.match(
    thrown(() => changeConfig(missing, added)),
    { code: 'CONFIG_UNWRITABLE', message: /changed by somebody else/ },
  );
  const opened = openConfig(file, true, home);
  writeFileSync(file, `${least}\n`);
  t.match(
    thrown(() => changeConfig(opened, added)),
    { code: 'CONFIG_UNWRITABLE', message: /changed by somebody else/ },
  );
  t.equal(readFileSync(file, 'utf8'), `${least}\n`);
  t.strictSame(readdirSync(home), ['towline.json']);
  t.end();
});

test('a file that nobody is to write is not replaced', (t) => {
  const home = makeTemp(t, 'edit');
  const file = write(join(home, 'towline.json'), least);
  chmodSync(file, 0o444);
  t.match(
    thrown(() => changeConfig(openConfig(file, true, home), added)),
    {
      code: 'CONFIG_UNWRITABLE',
      message: `${file} is not to be written (mode 0444), and is left as it is; run: chmod u+w ${file}`,
    },
  );
  t.equal(readFileSync(file, 'utf8'), least);
  t.strictSame(readdirSync(home), ['towline.json']);
  t.end();
});

test('a link to nothing is called what it is', (t) => {
  const home = makeTemp(t, 'edit');
  const file = join(home, 'towline.json');
  symlinkSync('elsewhere/gone.json', file);
  t.match(
    thrown(() => changeConfig(openConfig(file, false, home), added)),
    { code: 'CONFIG_UNWRITABLE', message: /towline\.json is a link to elsewhere\/gone\.json; make that file first/ },
  );
  t.end();
});

test('a folder that others may write is refused before anything is made in it', (t) => {
  const home = makeTemp(t, 'edit');
  mkdirSync(join(home, 'open'));
  chmodSync(join(home, 'open'), 0o777);
  const file = join(home, 'open/towline.json');
  t.match(
    thrown(() => changeConfig(openConfig(file, false, home), added)),
    { code: 'CONFIG_UNSAFE' },
  );
  t.strictSame(readdirSync(join(home, 'open')), []);
  t.end();
});

test('a place that cannot be written is named with the reason', (t) => {
  const home = makeTemp(t, 'edit');
  write(join(home, 'file'), '');
  const file = join(home, 'file/towline.json');
  const fault = thrown(() => changeConfig(openConfig(file, false, home), added));
  t.match(fault, { code: 'CONFIG_UNWRITABLE', message: /cannot write .*file\/towline\.json \(E(EXIST|NOTDIR)\)/ });
  t.notOk(existsSync(file));
  t.end();
});

test('a config with problems is not opened, one that only lacks relays is', (t) => {
  const home = makeTemp(t, 'edit');
  const open = (text: string, name = 'towline.yaml') => openConfig(write(join(home, name), text), true, home);
  t.match(
    thrown(() => open('relays: {a: {host: h}}\n')),
    { code: 'CONFIG_INVALID', message: /relays\.a\.forwards/ },
  );
  t.match(
    thrown(() => open('{ "relays": {} }\n', 'towline.json')),
    { message: 'nothing was thrown' },
  );
  t.match(
    thrown(() => open('relays: {}\nlanes: 3\n')),
    { code: 'CONFIG_INVALID', message: /lanes: unknown key/ },
  );
  for (const text of ['', '# mine\n', 'relays:\n', 'relays: {}\n', 'defaults: {lanes: 2}\n']) {
    const opened = open(text);
    t.equal(opened.config, null);
    t.match(changeConfig(opened, added).config?.relays, [{ name: 'new' }], JSON.stringify(text));
  }
  t.end();
});
