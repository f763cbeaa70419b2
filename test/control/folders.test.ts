import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { checkFolder, locateFolders, openFolders } from '../../src/control/folders.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { makeTemp } from '../fixtures/temp.ts';

const facts = { env: {}, home: '/home/me', uid: 1000, userRuntime: '/nowhere' };

const refused = (act: () => unknown): Fault | null => {
  try {
    act();
    return null;
  } catch (error) {
    return error instanceof Fault ? error : null;
  }
};

test('without any variable all is in ~/.local/state/towline', async (t) => {
  t.same(locateFolders(facts), {
    runtime: '/home/me/.local/state/towline/run',
    state: '/home/me/.local/state/towline',
    socket: '/home/me/.local/state/towline/run/towline.sock',
    log: '/home/me/.local/state/towline/towline.log',
  });
});

test('the runtime folder is the one of the uid where the system has one, whatever the environment says', async (t) => {
  const userRuntime = makeTemp(t);
  mkdirSync(join(userRuntime, '1000'));
  const env = { XDG_RUNTIME_DIR: '/somewhere/else' };
  t.equal(locateFolders({ ...facts, env, userRuntime }).runtime, join(userRuntime, '1000/towline'));
});

test('TOWLINE_RUNTIME_DIR comes first, XDG_STATE_HOME moves the state', async (t) => {
  const env = { TOWLINE_RUNTIME_DIR: '/r', XDG_STATE_HOME: '/s' };
  t.match(locateFolders({ ...facts, env }), { runtime: '/r', state: '/s/towline' });
});

test('a relative XDG_STATE_HOME is ignored, a relative TOWLINE_RUNTIME_DIR refused', async (t) => {
  t.equal(locateFolders({ ...facts, env: { XDG_STATE_HOME: 's' } }).state, '/home/me/.local/state/towline');
  const fault = refused(() => locateFolders({ ...facts, env: { TOWLINE_RUNTIME_DIR: 'r' } }));
  t.equal(fault?.code, 'RUNTIME_UNSAFE');
});

test('a socket path of 107 bytes is taken, one of 108 is refused with both numbers', async (t) => {
  const longest = `/${'x'.repeat(107 - '//towline.sock'.length)}`;
  t.equal(Buffer.byteLength(locateFolders({ ...facts, env: { TOWLINE_RUNTIME_DIR: longest } }).socket), 107);
  const fault = refused(() => locateFolders({ ...facts, env: { TOWLINE_RUNTIME_DIR: `${longest}x` } }));
  t.equal(fault?.code, 'RUNTIME_UNSAFE');
  t.match(fault?.message, /108 > 107/);
});

test('the folders are made 0700, whatever the umask, and taken again as they are', async (t) => {
  const home = makeTemp(t);
  const folders = locateFolders({ ...facts, home });
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  openFolders(folders);
  openFolders(folders);
  for (const folder of [folders.state, folders.runtime]) t.equal(lstatSync(folder).mode & 0o777, 0o700, folder);
});

test('a folder that others can reach is refused', async (t) => {
  const folder = makeTemp(t);
  for (const mode of [0o755, 0o710, 0o701, 0o777]) {
    chmodSync(folder, mode);
    const fault = refused(() => checkFolder(folder));
    t.match(fault, { code: 'RUNTIME_UNSAFE', detail: { folder } }, mode.toString(8));
    t.match(fault?.message, new RegExp(`mode 0${mode.toString(8)}`));
  }
  chmodSync(folder, 0o700);
  t.equal(
    refused(() => checkFolder(folder)),
    null,
  );
});

test('a symbolic link and a file in the place of a folder are refused', async (t) => {
  const dir = makeTemp(t);
  mkdirSync(join(dir, 'real'), { mode: 0o700 });
  symlinkSync('real', join(dir, 'link'));
  writeFileSync(join(dir, 'file'), '');
  t.match(refused(() => checkFolder(join(dir, 'link')))?.message, /is a symbolic link/);
  t.match(refused(() => checkFolder(join(dir, 'file')))?.message, /is no folder/);
  const folders = { ...locateFolders(facts), state: join(dir, 'link'), runtime: join(dir, 'link') };
  t.equal(refused(() => openFolders(folders))?.code, 'RUNTIME_UNSAFE');
  const blocked = { ...folders, state: join(dir, 'file', 'below') };
  t.match(refused(() => openFolders(blocked))?.message, /cannot be created \(E/);
});

test('a folder whose parent everybody may write is refused, unless the parent is sticky', async (t) => {
  const parent = makeTemp(t);
  const folder = join(parent, 'run');
  mkdirSync(folder, { mode: 0o700 });
  chmodSync(parent, 0o777);
  t.match(refused(() => checkFolder(folder))?.message, /everybody may replace/);
  chmodSync(parent, 0o1777);
  t.equal(
    refused(() => checkFolder(folder)),
    null,
  );
});

test('a folder of another user is refused', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'towline-theirs-'));
  t.teardown(() => rmdirSync(folder));
  chownSync(folder, 12_345, 12_345);
  t.match(refused(() => checkFolder(folder))?.message, /belongs to uid 12345/);
});
