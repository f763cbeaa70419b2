import { spawn } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { openBoundedFile } from '../../src/control/bounded-file.ts';
import { openLog } from '../../src/control/log.ts';
import type { Event } from '../../src/core/model/event.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { makeTemp } from '../fixtures/temp.ts';

const warned = (id: number, text: string): Event => ({
  type: 'relay.warned',
  relay: 'dev-box',
  text,
  id,
  at: 1_000 + id,
});
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test('an event becomes one JSON line with level, time, relay and code, in a file that is ours alone', async (t) => {
  const path = join(makeTemp(t), 'towline.log');
  const log = openLog({ path });
  log.tell({ type: 'worker.started', relay: 'dev-box', lane: 0, pid: 9, id: 1, at: 1 });
  const fault = { code: 'LISTEN_TAKEN', message: '127.0.0.1:8787 is in use', detail: {} } as const;
  log.tell({ type: 'listener.failed', relay: 'dev-box', forward: 0, fault, id: 2, at: 1_234 });
  t.same(linesOf(path), [
    {
      level: 40,
      time: 1_234,
      event: 'listener.failed',
      id: 2,
      relay: 'dev-box',
      code: 'LISTEN_TAKEN',
      msg: 'dev-box: 127.0.0.1:8787 is in use [LISTEN_TAKEN]',
    },
  ]);
  t.equal(lstatSync(path).mode & 0o777, 0o600);
  log.close();
});

test('with `verbose` debug lines are written too, and a bug leaves its stack', async (t) => {
  const path = join(makeTemp(t), 'towline.log');
  const log = openLog({ path, verbose: true });
  log.tell({ type: 'worker.started', relay: 'dev-box', lane: 0, pid: 9, id: 1, at: 1 });
  log.die(Fault.from(new TypeError('x is not a function')));
  t.match(linesOf(path), [{ level: 20 }, { level: 60, code: 'INTERNAL', stack: /TypeError: x is not a function\n/ }]);
});

test('the log never grows beyond its limit, keeps one older file, and loses no line between them', async (t) => {
  const path = join(makeTemp(t), 'towline.log');
  const log = openLog({ path, limit: 4_000 });
  let rotations = 0;
  for (let id = 1; id <= 200; id += 1) {
    const before = id === 1 ? 0 : lstatSync(path).ino;
    log.tell(warned(id, 'something is odd'));
    if (lstatSync(path).ino !== before && id > 1) rotations += 1;
    t.ok(lstatSync(path).size <= 4_000);
  }
  t.ok(rotations >= 3, `${rotations} rotations`);
  const ids = [...linesOf(`${path}.1`), ...linesOf(path)].map((line: { id: number }) => line.id);
  t.same(
    ids,
    ids.map((_, index) => 200 - ids.length + 1 + index),
  );
  t.equal(lstatSync(`${path}.1`).mode & 0o777, 0o600);
});

test('a file that logrotate renamed, rm took or copytruncate emptied is followed by its name', async (t) => {
  const path = join(makeTemp(t), 'towline.log');
  const log = openLog({ path });
  log.tell(warned(1, 'a'));
  renameSync(path, `${path}.old`);
  log.tell(warned(2, 'b'));
  rmSync(path);
  log.tell(warned(3, 'c'));
  t.same(
    linesOf(`${path}.old`).map(({ id }) => id),
    [1],
  );
  t.same(
    linesOf(path).map(({ id }) => id),
    [3],
  );
  truncateSync(path);
  log.tell(warned(4, 'd'));
  t.same(
    linesOf(path).map(({ id }) => id),
    [4],
  );
});

test('lines that cannot be written are counted, said once, and told when writing works again', async (t) => {
  const dir = join(makeTemp(t), 'state');
  const path = join(dir, 'towline.log');
  const troubles: unknown[] = [];
  const log = openLog({ path, trouble: (error) => troubles.push(error) });
  for (let id = 1; id <= 3; id += 1) log.tell(warned(id, 'lost'));
  t.match(troubles, [{ code: 'ENOENT' }], 'once');
  mkdirSync(dir);
  log.tell(warned(4, 'kept'));
  t.match(linesOf(path), [{ level: 40, msg: '3 log lines were lost' }, { id: 4 }]);
});

test('a full disk stops no one', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async (t) => {
  const troubles: unknown[] = [];
  const file = openBoundedFile({
    path: '/dev/full',
    limit: 100,
    trouble: (error) => troubles.push(error),
    lost: String,
  });
  file.write('a line\n');
  file.write('another\n');
  t.match(troubles, [{ code: 'ENOSPC' }]);
  t.equal(troubles.length, 1);
});

test('a symbolic link in the place of the log is not followed', async (t) => {
  const dir = makeTemp(t);
  writeFileSync(join(dir, 'precious'), 'precious');
  symlinkSync('precious', join(dir, 'towline.log'));
  const troubles: unknown[] = [];
  openLog({ path: join(dir, 'towline.log'), trouble: (error) => troubles.push(error) }).tell(warned(1, 'x'));
  t.match(troubles, [{ code: 'ELOOP' }]);
  t.equal(readFileSync(join(dir, 'precious'), 'utf8'), 'precious');
});

test('SIGKILL loses no line', async (t) => {
  const path = join(makeTemp(t), 'towline.log');
  const module = fileURLToPath(new URL('../../src/control/log.js', import.meta.url));
  const program = `
    const { openLog } = await import(${JSON.stringify(module)});
    const log = openLog({ path: ${JSON.stringify(path)} });
    for (let id = 1; id <= 50; id += 1) log.tell({ type: 'relay.warned', relay: 'r', text: 'x', id, at: id });
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  const signal = await new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)));
  t.equal(signal, 'SIGKILL');
  t.equal(linesOf(path).length, 50);
});
