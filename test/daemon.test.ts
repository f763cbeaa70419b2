import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { startDaemon } from '../src/daemon.ts';
import { startEcho } from './fixtures/backend.ts';
import { startRogue } from './fixtures/rogue-server.ts';
import { makeTemp } from './fixtures/temp.ts';
import { waitUntil } from './fixtures/wait.ts';

test('a listener and an attendant of the program around it that throw end neither worker nor daemon', async (t) => {
  const [server, backend, dir] = [
    await startRogue(t, {
      login: (context) => {
        if (context.method === 'password') context.accept();
        else context.reject(['password']);
      },
    }),
    await startEcho(t),
    makeTemp(t),
  ];
  const relays = { dev: { host: 'test', forwards: [`0:127.0.0.1:${backend.port}`] } };
  const config = join(dir, 'towline.json');
  writeFileSync(config, JSON.stringify({ sshConfig: server.sshConfigFile, relays }), { mode: 0o600 });
  const [runtime, state] = [join(dir, 'run'), join(dir, 'state')];
  for (const folder of [runtime, state]) mkdirSync(folder, { mode: 0o700 });
  const fail = () => {
    throw new Error('a bug in the UI');
  };
  const daemon = await startDaemon({
    config,
    folders: { runtime, state, socket: join(runtime, 'control.sock'), log: join(state, 'towline.log') },
    attendant: { asked: fail, over: fail },
  });
  t.teardown(() => daemon.close());
  // Printed, it would fail the run.
  const { emitWarning } = process;
  const warnings: string[] = [];
  process.emitWarning = (text: string | Error) => void warnings.push(String(text));
  t.teardown(() => {
    process.emitWarning = emitWarning;
  });
  const types: string[] = [];
  daemon.subscribe(0, fail);
  daemon.subscribe(0, ({ type }) => types.push(type));
  await waitUntil('the relay is told that nobody answers', () => types.includes('question.unanswered'));
  t.ok(types.includes('relay.warned'), 'the attendant is named');
  t.notOk(types.includes('worker.ended'), 'its worker lives');
  const before = types.length;
  await daemon.close();
  t.ok(types.length > before, 'who listens is told to the end');
  t.match(warnings, [/^a listener of the daemon failed at daemon\.started \(a bug in the UI\)/], 'once');
  t.equal(warnings.length, 1);
});
