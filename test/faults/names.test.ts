import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import tap, { test } from 'tap';
import type { Event } from '../../src/core/model/event.ts';
import { exchange } from '../fixtures/client.ts';
import { runTowline } from '../fixtures/cli.ts';
import { noNamespaces, startNamespace } from '../fixtures/namespace.ts';
import { endAll, signalAll } from '../fixtures/process-tree.ts';
import type { Owner } from '../fixtures/temp.ts';
import { within } from '../fixtures/wait.ts';
import { rename, replaceFile } from './etc-files.ts';
import { leftUp, type Stage, startScene, waits } from './link-scene.ts';
import { clock, measured } from './measure.ts';

// Names and addresses, in a network and with files of /etc of a test's own.
tap.jobs = 4;
const parallel = () => ({ buffered: true, skip: noNamespaces });
const nameServer = new URL('../fixtures/dns-main.js', import.meta.url).pathname;

/** A name server in the namespace; what comes back ends it. */
async function startNames(t: Owner, { namespace }: Stage, records: object): Promise<() => Promise<void>> {
  const [program = '', ...args] = [...namespace.enter, process.execPath, nameServer, JSON.stringify(records)];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = () => endAll([child.pid ?? 0]);
  t.teardown(end);
  await within('the name server', once(child.stdout, 'data'));
  return end;
}

const failed = (code: string) => (event: Event) => waits(event) && JSON.stringify(event).includes(`"code":"${code}"`);

test(
  'F23: names that stop to resolve cost no link; one that is gone is said so, and tried until it is back',
  parallel(),
  async (t) => {
    let stop: () => Promise<void> = async () => undefined;
    let stage: Stage | undefined;
    const { relays, echo, sshd } = await startScene(
      t,
      {},
      {
        before: async (made) => {
          stage = made;
          // As short as it gets: the resolver's own patience is five seconds, twice.
          await replaceFile(t, made, '/etc/resolv.conf', 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
          stop = await startNames(t, made, { 'db.example': '127.0.0.1' });
          rename(made, 'db.example');
        },
      },
    );
    await relays.reach('r', 'connected');
    let at = relays.events.length;
    await stop();
    t.equal(String(await exchange(echo, 'no names needed')), 'no names needed');
    t.same(relays.events.slice(at).filter(leftUp), [], 'the link is not affected');
    at = relays.events.length;
    const since = clock();
    sshd.killSessions();
    const down = await relays.next('no answer about the name', failed('NAME_NOT_FOUND'), at);
    const detect = since();
    t.match(down, {
      state: { fault: { message: /db\.example.*does not resolve; check HostName in ssh_config, and the network/ } },
    });
    if (stage === undefined) throw new Error('no stage');
    const wrong = await startNames(t, stage, {});
    at = relays.events.length;
    t.match(await relays.next('no such name', failed('NAME_NOT_FOUND'), at), {
      state: { fault: { message: /db\.example/ } },
    });
    await wrong();
    await startNames(t, stage, { 'db.example': '127.0.0.1' });
    const back = clock();
    t.equal(String(await exchange(echo, 'back', 30_000)), 'back');
    measured(t, 'F23', { detect, recover: back() });
    t.ok(back() < 4_000, `${back()}`);
  },
);

test(
  'F23: a name server that is silent ends each of 20 lookups in one worker, and holds up no other relay there',
  parallel(),
  async (t) => {
    const shared = { isolation: 'shared', forwards: [{ listen: '127.0.0.1:0', target: '127.0.0.1:9' }] };
    const names = Array.from({ length: 20 }, (_, n) => `silent${n}`);
    const { relays, echo } = await startScene(
      t,
      { isolation: 'shared', start: false },
      {
        // Nothing answers there, and nothing says so; r has a name too, in a file.
        before: async (made) => {
          await made.namespace.rules('INPUT -p udp --dport 53 -j DROP');
          await replaceFile(t, made, '/etc/resolv.conf', 'nameserver 127.0.0.1\noptions timeout:5 attempts:2\n');
          await replaceFile(t, made, '/etc/hosts', '127.0.0.1 near.example\n');
          rename(made, 'near.example');
        },
        others: Object.fromEntries(names.map((name) => [name, { host: `${name}.example`, ...shared }])),
      },
    );
    const since = clock();
    const of = (name: string) => (event: Event) => waits(event) && 'relay' in event && event.relay === name;
    for (const name of names) await relays.next(`the end of ${name}`, of(name));
    const end = since();
    t.match(relays.events.find(waits), {
      state: {
        fault: {
          code: 'CONNECT_TIMEOUT',
          message: /silent\d+\.example.*: its name has not resolved within 5 s; check/,
        },
      },
    });
    const before = clock();
    await runTowline(t, ['start', 'r']);
    await relays.reach('r', 'connected');
    t.equal(String(await exchange(echo, 'not held up')), 'not held up');
    measured(t, 'F23', { silent: '20', end, other: before() });
    t.ok(before() < 4_000, `${before()}`);
    // A worker ends when its last lookup does, which is later than this test.
    signalAll(relays.pids(), 'SIGKILL');
  },
);

test('F22: who moves to another network, with another address, is served over a new link', parallel(), async (t) => {
  const { relays, echo, sshd, roam } = await startRoaming(t);
  await relays.reach('r', 'connected');
  t.match((await relays.status('r')).lanes[0]?.link?.remote, /@10\.99\.9\.9:/);
  const at = relays.events.length;
  const since = clock();
  await roam();
  await relays.next('the change', (event) => event.type === 'network.changed', at);
  await relays.next('the doubt', (event) => event.type === 'link.doubted', at);
  const detect = since();
  t.match((await relays.status('r')).lastFault, {
    code: 'LINK_SILENT',
    message: /the address 10\.99\.1\.1 of this machine is gone/,
  });
  t.equal(String(await exchange(echo, 'from elsewhere', 30_000)), 'from elsewhere');
  const serve = since();
  await relays.next('a new link', (event) => event.type === 'link.replaced', at);
  t.match(sshd.log(), /Accepted publickey for \S+ from 10\.99\.2\.1 /);
  t.same(relays.events.slice(at).filter(leftUp), [], 'it was never without a link that it could give up');
  measured(t, 'F22', { keepalive: '5sx3', detect, serve });
  t.ok(detect < 3_000 && serve < 5_000, `${detect} ${serve}`);
});

/** Daemon and sshd in a namespace each; two cables between them, of which one is plugged in. The server's address is that of no cable. */
async function startRoaming(t: Owner) {
  const office = await startNamespace(t);
  const scene = await startScene(
    t,
    {},
    {
      config: ['ListenAddress 10.99.9.9'],
      prepare: async (server) => {
        await server.run('ip', 'address', 'add', '10.99.9.9/32', 'dev', 'lo');
      },
      client: office,
      before: async (made) => {
        await office.cable(made.namespace, 'one', '10.99.1.1', '10.99.1.2');
        await office.run('ip', 'route', 'add', '10.99.9.9', 'via', '10.99.1.2');
        const text = readFileSync(made.sshd.sshConfigFile, 'utf8').replace('HostName 127.0.0.1', 'HostName 10.99.9.9');
        writeFileSync(made.sshd.sshConfigFile, text);
        const known = made.sshd.hostKeys.map((key) => `[10.99.9.9]:${made.sshd.port} ${key}\n`).join('');
        writeFileSync(made.sshd.knownHostsFile, known);
      },
    },
  );
  return {
    ...scene,
    async roam() {
      await office.run('ip', 'link', 'del', 'one');
      await office.cable(scene.namespace, 'two', '10.99.2.1', '10.99.2.2');
      await office.run('ip', 'route', 'add', '10.99.9.9', 'via', '10.99.2.2');
    },
  };
}
