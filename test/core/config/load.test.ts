import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'tap';
import { checkConfig, findConfig, loadConfig } from '../../../src/core/config/load.ts';
import { Fault } from '../../../src/core/model/fault.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { least, thrown, write } from './place.ts';

/** A home folder and a folder below it in which the user stands. */
function makeHome(t: Owner): { readonly home: string; readonly cwd: string } {
  const home = makeTemp(t, 'config');
  const cwd = join(home, 'work');
  mkdirSync(join(cwd, '.config'), { recursive: true, mode: 0o700 });
  mkdirSync(join(home, '.config', 'towline'), { recursive: true, mode: 0o700 });
  return { home, cwd };
}

const root = process.geteuid?.() === 0;

test('each place is searched, and a nearer one wins', (t) => {
  const { home, cwd } = makeHome(t);
  const places = [
    '../.config/towline/config.yml',
    '../.config/towline/config.yaml',
    '../.config/towline/config.json',
    '.config/towline.yaml',
    '.config/towline.json',
    '.towlinerc.yaml',
    '.towlinerc.json',
    'towline.yml',
    'towline.yaml',
    'towline.json',
  ];
  for (const place of places) {
    const file = write(join(cwd, place), least);
    t.equal(findConfig({ cwd, explicit: null, env: {}, home }), file);
  }
  t.end();
});

test('XDG_CONFIG_HOME names another folder, unless it is relative', (t) => {
  const { home, cwd } = makeHome(t);
  const own = write(join(home, '.config', 'towline', 'config.json'), least);
  mkdirSync(join(home, 'xdg', 'towline'), { recursive: true, mode: 0o700 });
  const other = write(join(home, 'xdg', 'towline', 'config.yaml'), least);
  t.equal(findConfig({ cwd, explicit: null, env: { XDG_CONFIG_HOME: join(home, 'xdg') }, home }), other);
  t.equal(findConfig({ cwd, explicit: null, env: { XDG_CONFIG_HOME: 'xdg' }, home }), own);
  t.equal(findConfig({ cwd, explicit: null, env: { XDG_CONFIG_HOME: '' }, home }), own);
  t.end();
});

test('a named file is taken as it is named, and no other', (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(home, 'mine.yaml'), least);
  write(join(cwd, 'towline.json'), least);
  for (const explicit of [file, '../mine.yaml', '~/mine.yaml']) {
    t.equal(findConfig({ cwd, explicit, env: {}, home }), file);
  }
  const gone = thrown(() => findConfig({ cwd, explicit: 'gone.json', env: {}, home }));
  t.match(gone, { code: 'CONFIG_MISSING' });
  t.match(gone.message, join(cwd, 'gone.json'));
  write(join(cwd, 'towline.config.ts'), least);
  const code = thrown(() => findConfig({ cwd, explicit: 'towline.config.ts', env: {}, home }));
  t.match(code, { code: 'CONFIG_UNREADABLE', message: /neither \.json nor \.yaml/ });
  t.end();
});

test('what is not found names every place that was searched', (t) => {
  const { home, cwd } = makeHome(t);
  write(join(cwd, 'package.json'), '{ "towline": {} }');
  write(join(cwd, 'towline.config.js'), 'throw new Error("executed")');
  const fault = thrown(() => findConfig({ cwd, explicit: null, env: {}, home }));
  t.match(fault, { code: 'CONFIG_MISSING' });
  for (const place of [cwd, 'towline.json', '.towlinerc.yaml', '.config/towline.json', `${home}/.config/towline`]) {
    t.ok(fault.message.includes(place), place);
  }
  t.end();
});

test('the meta config of cosmiconfig in the current folder is neither executed nor obeyed', (t) => {
  const { home, cwd } = makeHome(t);
  const before = process.cwd();
  t.teardown(() => process.chdir(before));
  const file = write(join(cwd, 'towline.yaml'), least);
  process.chdir(cwd);
  const ran = join(home, 'ran');
  const code = `require('node:fs').writeFileSync(${JSON.stringify(ran)}, '')`;
  write(join(cwd, 'evil.json'), least);
  const places = '{ "searchPlaces": ["evil.json"], "mergeSearchPlaces": false }';
  // One at a time: cosmiconfig takes the first that exists.
  for (const [name, text] of [
    ['.config/config.js', code],
    ['.config/config.cjs', code],
    ['.config/config.json', `{ "cosmiconfig": ${places} }`],
    ['package.json', `{ "cosmiconfig": ${places} }`],
  ] as const) {
    const meta = write(join(cwd, name), text);
    t.equal(findConfig({ cwd, explicit: null, env: {}, home }), file, name);
    t.notOk(existsSync(ran), `${name} is not executed`);
    t.equal(process.cwd(), cwd, 'the search comes back to the folder');
    rmSync(meta);
  }
  t.end();
});

test('an import in the file reads no other file', (t) => {
  const { home, cwd } = makeHome(t);
  write(join(cwd, 'other.json'), least);
  const file = write(join(cwd, 'towline.json'), '{ "$import": "other.json" }');
  t.equal(findConfig({ cwd, explicit: null, env: {}, home }), file);
  t.match(checkConfig(file, { home }), { problems: [{ path: 'relays' }, { path: '$import', message: 'unknown key' }] });
  t.end();
});

test('an empty nearer file is found and refused, not passed over', (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(cwd, 'towline.json'), '  \n');
  write(join(cwd, 'towline.yaml'), least);
  t.equal(findConfig({ cwd, explicit: null, env: {}, home }), file);
  t.match(
    thrown(() => loadConfig(file, { home })),
    { code: 'CONFIG_INVALID', message: /1:1 the file is empty/ },
  );
  t.end();
});

test('a nearer file that cannot be read is a fault, not a reason to take a farther one', (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(cwd, 'towline.json'), least);
  write(join(cwd, 'towline.yaml'), least);
  if (root) for (const folder of [home, cwd]) chmodSync(folder, 0o755);
  chmodSync(file, 0o200);
  // Root may read everything: be nobody for the moment of the search.
  if (root) process.seteuid?.(65_534);
  const fault = thrown(() => findConfig({ cwd, explicit: null, env: {}, home }));
  if (root) process.seteuid?.(0);
  t.match(fault, { code: 'CONFIG_UNREADABLE', message: /towline\.json \(EACCES\)/ });
  t.end();
});

test('a link that leads nowhere, or to itself, is a fault', (t) => {
  const { home, cwd } = makeHome(t);
  write(join(cwd, 'towline.yaml'), least);
  symlinkSync('gone.json', join(cwd, 'towline.json'));
  t.match(
    thrown(() => findConfig({ cwd, explicit: null, env: {}, home })),
    { code: 'CONFIG_MISSING' },
  );
  symlinkSync('loop.json', join(cwd, 'loop.json'));
  t.match(
    thrown(() => findConfig({ cwd, explicit: 'loop.json', env: {}, home })),
    { message: /ELOOP/ },
  );
  t.end();
});

test('a fifo, a folder and a device are refused at once', (t) => {
  const { home, cwd } = makeHome(t);
  execFileSync('mkfifo', [join(cwd, 'towline.json')]);
  const find = (explicit: string | null) => thrown(() => findConfig({ cwd, explicit, env: {}, home }));
  t.match(find(null), { code: 'CONFIG_UNREADABLE', message: /is a fifo/ });
  t.match(
    thrown(() => checkConfig(join(cwd, 'towline.json'), { home })),
    { message: /is a fifo/ },
  );
  mkdirSync(join(cwd, 'folder.json'));
  t.match(find('folder.json'), { code: 'CONFIG_UNREADABLE', message: /is a folder/ });
  symlinkSync('/dev/zero', join(cwd, 'zero.json'));
  t.match(find('zero.json'), { code: 'CONFIG_UNREADABLE', message: /is a device/ });
  t.end();
});

test('ten megabytes are refused by their size, and one is read', (t) => {
  const { home, cwd } = makeHome(t);
  const large = write(join(cwd, 'large.json'), Buffer.alloc(10 * 1024 ** 2, ' '));
  t.match(
    thrown(() => checkConfig(large, { home })),
    { code: 'CONFIG_UNREADABLE', message: /10485760 bytes, more than 1048576/ },
  );
  const full = write(join(cwd, 'full.json'), least.padEnd(1024 ** 2));
  t.ok('config' in checkConfig(full, { home }));
  t.end();
});

test('a file, its folder, and any folder up to home must not be writable by others', (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(cwd, '.config', 'towline.json'), least);
  const paths: readonly (readonly [string, number, number])[] = [
    [file, 0o606, 0o600],
    [file, 0o602, 0o600],
    [join(cwd, '.config'), 0o707, 0o700],
    [cwd, 0o702, 0o700],
    [home, 0o702, 0o700],
  ];
  for (const [path, unsafe, safe] of paths) {
    chmodSync(path, unsafe);
    const fault = thrown(() => findConfig({ cwd, explicit: null, env: {}, home }));
    t.match(fault, { code: 'CONFIG_UNSAFE', detail: { path } });
    t.ok(
      fault.message.includes(`mode ${unsafe.toString(8).padStart(4, '0')}); run: chmod go-w ${path}`),
      fault.message,
    );
    t.match(
      thrown(() => loadConfig(file, { home })),
      { code: 'CONFIG_UNSAFE' },
    );
    chmodSync(path, safe);
  }
  t.equal(findConfig({ cwd, explicit: null, env: {}, home }), file);
  t.end();
});

test('a link is as safe as what it leads to', (t) => {
  const { home, cwd } = makeHome(t);
  const elsewhere = makeTemp(t, 'config');
  const target = write(join(elsewhere, 'real.json'), least);
  const link = join(cwd, 'towline.json');
  symlinkSync(target, link);
  t.equal(findConfig({ cwd, explicit: null, env: {}, home }), link);
  chmodSync(elsewhere, 0o777);
  t.match(
    thrown(() => checkConfig(link, { home })),
    { code: 'CONFIG_UNSAFE', detail: { path: elsewhere, mode: '0777' } },
  );
  chmodSync(elsewhere, 0o700);
  chmodSync(target, 0o666);
  t.match(
    thrown(() => checkConfig(link, { home })),
    { code: 'CONFIG_UNSAFE', detail: { path: link, mode: '0666' } },
  );
  t.end();
});

test('a file or folder of another user is refused', { skip: root ? false : 'only root can give a file away' }, (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(cwd, 'towline.json'), least);
  chownSync(file, 1234, -1);
  const fault = thrown(() => checkConfig(file, { home }));
  t.match(fault, { code: 'CONFIG_UNSAFE', detail: { path: file, owner: 1234 } });
  t.match(fault.message, `chown 0 ${file}`);
  chownSync(file, 0, -1);
  chownSync(cwd, 1234, -1);
  t.match(
    thrown(() => checkConfig(file, { home })),
    { code: 'CONFIG_UNSAFE', detail: { path: cwd, owner: 1234 } },
  );
  t.end();
});

test('a loaded config has no problem, an absolute path, and the ssh_config of the caller', (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(cwd, 'towline.json'), `{ "sshConfig": "ssh.conf", ${least.slice(1)}`);
  t.match(loadConfig(relative(process.cwd(), file), { home }), { file, sshConfig: join(cwd, 'ssh.conf') });
  t.equal(loadConfig(file, { home, sshConfig: '~/mine' }).sshConfig, join(home, 'mine'));
  t.equal(loadConfig(file, { home, sshConfig: 'mine' }).sshConfig, join(process.cwd(), 'mine'));
  t.end();
});

test('one fault carries all problems', (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(cwd, 'towline.json'), '{\n  "relay": 1,\n  "sshConfig": 2,\n  "relays": 3\n}');
  const fault = thrown(() => loadConfig(file, { home }));
  t.ok(fault instanceof Fault);
  t.match(fault, { code: 'CONFIG_INVALID', detail: { count: 3 } });
  t.match(fault.message, `${file}:2:3 relay: unknown key; did you mean relays?`);
  t.match(fault.message, /\(and 2 more\)$/);
  t.match(fault.detail, { problems: /:2:3 relay.*\n.*:3:16 sshConfig.*\n.*:4:13 relays/ });
  t.end();
});

test('ten thousand levels overflow no stack', (t) => {
  const { home, cwd } = makeHome(t);
  const cases: readonly (readonly [string, string, number])[] = [
    ['lists.json', '['.repeat(10_000) + ']'.repeat(10_000), 65],
    ['objects.json', '{"a":'.repeat(10_000), 321],
    ['brackets.yaml', '['.repeat(10_000) + ']'.repeat(10_000), 65],
    ['dashes.yaml', '- '.repeat(10_000), 129],
    ['questions.yaml', '? '.repeat(10_000), 129],
  ];
  for (const [name, text, column] of cases) {
    const file = write(join(cwd, name), text);
    t.match(checkConfig(file, { home }), { problems: [{ line: 1, column, message: 'the nesting is too deep' }] }, name);
  }
  const steps = Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('');
  const checked = checkConfig(write(join(cwd, 'steps.yaml'), steps), { home });
  t.match(checked, { problems: [{ line: 65, message: 'the nesting is too deep' }] });
  t.end();
});

test('a group of one is nobody else, and in a sticky folder nobody replaces what is not his', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, (t) => {
  const { home, cwd } = makeHome(t);
  const file = write(join(cwd, 'towline.json'), least);
  const unsafe = () => thrown(() => findConfig({ cwd, explicit: null, env: {}, home }));
  chmodSync(file, 0o660);
  t.equal(findConfig({ cwd, explicit: null, env: {}, home }), file, "root's own group");
  // A group that /etc/group does not know may have anybody in it.
  chownSync(file, 0, 54_321);
  t.match(unsafe(), { code: 'CONFIG_UNSAFE', detail: { path: file } });
  chownSync(file, 0, 0);
  chmodSync(cwd, 0o1777);
  t.equal(findConfig({ cwd, explicit: null, env: {}, home }), file, 'a folder like /tmp');
  t.end();
});
