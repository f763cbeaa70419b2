import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Event } from '../../src/core/model/event.ts';
import { startDaemon } from '../../src/daemon.ts';
import { startEcho } from '../fixtures/backend.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { makeKeyPair } from '../fixtures/sshd-keys.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

/** A blocked relay goes on within so many ms when the file that it waits for is mended: each is looked at every second or two. */
const limit = 3_000;

test('a relay that is blocked by a file goes on within 3 s when it is mended: key, known_hosts, ssh_config, config', async (t) => {
  const [sshd, echo, dir] = [await startSshd(t), await startEcho(t), makeTemp(t)];
  const own = readFileSync(sshd.sshConfigFile, 'utf8');
  const at = (name: string) => join(dir, name);
  const block = (name: string, identity: string, knownHosts: string) =>
    own
      .replace('Host test', `Host ${name}`)
      .replace(/IdentityFile .*/, `IdentityFile ${identity}`)
      .replace(/UserKnownHostsFile .*/, `UserKnownHostsFile ${knownHosts}`);
  makeKeyPair(at('key'));
  writeFileSync(at('known_hosts'), '');
  const sshConfigOf = (knownHosts: string) =>
    [
      block('by-key', at('key'), sshd.knownHostsFile),
      block('by-known-hosts', sshd.keyFile, at('known_hosts')),
      block('by-ssh-config', sshd.keyFile, knownHosts),
      block('by-config', sshd.keyFile, at('nowhere')),
      own,
    ].join('\n');
  const sshConfig = at('ssh_config');
  writeFileSync(sshConfig, sshConfigOf(at('nowhere')), { mode: 0o600 });
  const names = ['by-key', 'by-known-hosts', 'by-ssh-config', 'by-config'] as const;
  const write = (last: string) => {
    const relays = Object.fromEntries(
      names.map((name) => [name, { host: name === 'by-config' ? last : name, forwards: [`0:127.0.0.1:${echo.port}`] }]),
    );
    writeFileSync(at('towline.json'), JSON.stringify({ sshConfig, relays }), { mode: 0o600 });
  };
  write('by-config');
  const [runtime, state] = [at('run'), at('state')];
  for (const folder of [runtime, state]) mkdirSync(folder, { mode: 0o700 });
  const folders = { runtime, state, socket: join(runtime, 'control.sock'), log: join(state, 'towline.log') };
  const daemon = await startDaemon({ config: at('towline.json'), folders });
  t.teardown(() => {
    daemon.now();
    return daemon.close();
  });
  const events: Event[] = [];
  daemon.subscribe(0, (event) => events.push(event));
  const word = (name: string) => daemon.status().relays.find((one) => one.name === name)?.standing.word;
  await waitUntil('all are blocked', () => names.every((name) => word(name) === 'blocked'), { timeout: 20_000 });
  const mends: Readonly<Record<(typeof names)[number], () => void>> = {
    'by-key': () => {
      for (const end of ['.pub', '']) copyFileSync(`${sshd.keyFile}${end}`, `${at('key')}${end}`);
    },
    'by-known-hosts': () => appendFileSync(at('known_hosts'), readFileSync(sshd.knownHostsFile)),
    'by-ssh-config': () => writeFileSync(sshConfig, sshConfigOf(sshd.knownHostsFile), { mode: 0o600 }),
    'by-config': () => write('test'),
  };
  const isLinked = (name: string) => events.some((event) => event.type === 'link.opened' && event.relay === name);
  for (const name of names) {
    // All read one ssh_config: who is not mended by its change tries it, and is blocked again.
    await waitUntil(`${name} is blocked`, () => word(name) === 'blocked', { every: 10 });
    t.notOk(isLinked(name), `${name} waits for its own file alone`);
    mends[name]();
    const since = clock();
    await waitUntil(`${name} is connected`, () => word(name) === 'connected', { every: 10 });
    const recover = since();
    measured(t, 'mended', { file: name.slice('by-'.length), recover });
    t.ok(recover < limit, `${name} after ${recover} ms`);
  }
  t.equal(events.filter(({ type }) => type === 'config.reloaded').length, 1);
});
