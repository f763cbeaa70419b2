import { appendFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { loadSettled, watchConfig } from '../../../src/core/config/settled.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const yaml = (count: number) =>
  ['relays:', ...Array.from({ length: count }, (_, n) => `  r${n}: { host: h, forwards: ["${1000 + n}"] }`), ''].join(
    '\n',
  );

function write(t: Owner, text: string): { readonly dir: string; readonly file: string } {
  const dir = makeTemp(t, 'settled');
  const file = join(dir, 'towline.yaml');
  writeFileSync(file, text, { mode: 0o600 });
  return { dir, file };
}

test('a file that is still being written is read when it is whole, though its first half is a config too', async (t) => {
  const { file } = write(t, yaml(2));
  const more = yaml(9).slice(yaml(2).length);
  const loaded = loadSettled(file);
  for (const piece of more.match(/.{1,40}\n?/g) ?? []) {
    await sleep(50);
    appendFileSync(file, piece);
  }
  t.equal((await loaded).relays.length, 9);
});

test('a file that is away for a moment is waited for, one that is gone is missing, and an old one is read at once', async (t) => {
  const { dir, file } = write(t, yaml(3));
  rmSync(file);
  const loaded = loadSettled(file);
  writeFileSync(join(dir, 'new'), yaml(4), { mode: 0o600 });
  renameSync(join(dir, 'new'), file);
  t.equal((await loaded).relays.length, 4);
  rmSync(file);
  await t.rejects(loadSettled(file), { code: 'CONFIG_MISSING' });
  writeFileSync(file, 'relays:\n  a: {}\n', { mode: 0o600 });
  await t.rejects(loadSettled(file, { wholePath: true }), {
    code: 'CONFIG_INVALID',
    message: new RegExp(`^${file}:2:6 relays\\.a`),
  });
});

test('a file that is written all the time is given up by name', async (t) => {
  const { file } = write(t, yaml(1));
  const timer = setInterval(() => utimesSync(file, Date.now() / 1_000, Date.now() / 1_000), 20);
  t.teardown(() => clearInterval(timer));
  await t.rejects(loadSettled(file), {
    code: 'CONFIG_UNREADABLE',
    message: /has been written all the time for 5 s; try again/,
  });
});

test('a watch tells each change once, when it has settled: in place, by rename, by another link', async (t) => {
  const { dir, file } = write(t, yaml(1));
  const link = join(dir, 'link.yaml');
  symlinkSync(file, link);
  let told = 0;
  t.teardown(
    watchConfig(
      link,
      () => {
        told += 1;
      },
      30,
    ),
  );
  const next = async (count: number) => {
    await waitUntil(`change ${count}`, () => told === count);
    await sleep(150);
    t.equal(told, count);
  };
  await next(1);
  writeFileSync(file, yaml(2));
  await next(2);
  writeFileSync(join(dir, 'new'), yaml(2), { mode: 0o600 });
  renameSync(join(dir, 'new'), file);
  await next(3);
  writeFileSync(join(dir, 'other.yaml'), yaml(1), { mode: 0o600 });
  symlinkSync('other.yaml', join(dir, 'swap'));
  renameSync(join(dir, 'swap'), link);
  await next(4);
  rmSync(link);
  await next(5);
  for (let n = 0; n < 10; n += 1) writeFileSync(link, yaml(n + 1));
  await next(6);
});
