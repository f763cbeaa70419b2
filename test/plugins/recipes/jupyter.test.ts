import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { Secret } from '../../../src/core/model/secret.ts';
import { checkToken } from '../../../src/core/probe/token-check.ts';
import { jupyter } from '../../../src/plugins/recipes/jupyter.ts';
import { type Found, OutputScanner } from '../../../src/plugins/printed/scan.ts';
import { scanRules } from '../../../src/plugins/printed/scan-rules.ts';
import tokenPlugin from '../../../src/plugins/token/token.ts';
import { startHttp } from '../../fixtures/backend-web.ts';
import { freePort } from '../../fixtures/port.ts';
import { type ProgramOptions, type RunningProgram, runProgramLine } from '../../fixtures/program.ts';
import { openRemoteHost } from '../../fixtures/remote-host.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';
import { within } from '../../fixtures/wait.ts';

const signal = new AbortController().signal;
const given = 'tk-5f0a3c9e1b7d4826a0c2e4f60718293a';

const command = `${jupyter.command}${process.getuid?.() === 0 ? ' --allow-root' : ''}`;

/** Starts a real Jupyter Server by its recipe, and reads what it prints until it has said its port, and its own token if it has one. */
async function start(
  t: Owner,
  port: number,
  options: ProgramOptions,
  ownToken: boolean,
): Promise<Found & RunningProgram> {
  const running = runProgramLine(t, command.replace('{port}', String(port)), options);
  const found = new Promise<Found>((resolve, reject) => {
    const done = (all: Found) => {
      if (all.port !== null && (all.token !== null || !ownToken)) resolve(all);
    };
    const rules = scanRules(jupyter, { hosts: [], fixed: port, ownToken });
    const scanner = new OutputScanner(rules, { found: done, warn: (text) => reject(new Error(text)) });
    for (const stream of [running.child.stdout, running.child.stderr]) {
      const scanned = scanner.stream();
      stream.on('data', (chunk: Buffer) => scanned.add(chunk));
    }
    running.ended.then((code) => reject(new Error(`jupyter ended with ${code}`)), reject);
  });
  return { ...running, ...(await within('what jupyter prints', found, 60_000)) };
}

/** What the check of the door says, over the link. */
async function judge(link: Awaited<ReturnType<typeof openRemoteHost>>, port: number, token: Secret): Promise<string> {
  const { door } = jupyter;
  if (door === null) throw new Error('jupyter has a door');
  try {
    await checkToken(() => link.dial({ kind: 'tcp', host: '127.0.0.1', port }), door, token, signal);
    return 'ours';
  } catch (error) {
    return Fault.from(error).code;
  }
}

test('a real Jupyter prints a token of its own, tells it to those who ask, and refuses any other', async (t) => {
  const sshd = await startSshd(t);
  const link = await openRemoteHost(t, sshd);
  const port = await freePort();
  const { token } = await start(t, port, { home: sshd.home, terminal: true }, true);
  t.match(token?.reveal(), /^[0-9a-f]{48}$/);
  if (token === null) return;
  t.equal(await judge(link, port, token), 'ours');
  t.equal(await judge(link, port, new Secret(given)), 'TOKEN_REFUSED');
  const options = tokenPlugin.options?.parse({ recipe: 'jupyter' });
  if (options === undefined) throw new Error('the plugin has options');
  const hooks = await tokenPlugin.relay?.({ relay: 'r', options, env: {}, signal, uidOf: async () => null });
  const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const backend = { target, run: null, adopted: true, door: null, opens: null, says: '' };
  t.equal(
    (await hooks?.token?.(link, backend, signal))?.reveal(),
    token.reveal(),
    'jupyter server list --json says it too',
  );
});

test('a real Jupyter that is given a token prints dots, takes it, and takes no other port than its own', async (t) => {
  const sshd = await startSshd(t);
  const link = await openRemoteHost(t, sshd);
  const port = await freePort();
  const { token } = await start(t, port, { home: sshd.home, env: { JUPYTER_TOKEN: given } }, false);
  t.equal(token, null);
  t.equal(await judge(link, port, new Secret(given)), 'ours');
  const home = makeTemp(t, 'home');
  const second = runProgramLine(t, command.replace('{port}', String(port)), { home });
  t.equal(await within('the second one', second.ended, 60_000), 1, 'it ends instead of moving on');
  const squatter = await startHttp(t);
  t.equal(await judge(link, squatter.port, new Secret(given)), 'BACKEND_FOREIGN', 'who answers everyone is not it');
});

test('a relay launches a real Jupyter, gets in with its token, and the next link finds the same one', async (t) => {
  const sshd = await startSshd(t);
  const plugin = { use: 'launch', recipe: 'jupyter', ...(command === jupyter.command ? {} : { command }) };
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: ['0:backend'], plugins: [plugin] } });
  const first = await relays.reach('r', 'connected', 100_000);
  t.match(first, { standing: { verified: true }, lanes: [{ backend: { adopted: false, says: /^pid \d+ since / } }] });
  const { token } = relays.supervisor.token('r');
  t.match(token?.reveal(), /^[\w-]{43}$/, 'it was given ours');
  // The moment of its start, which only a Jupyter that lets us in tells.
  const started = async () => {
    const answer = await fetch(`http://127.0.0.1:${relays.port('r')}/api/status?token=${token?.reveal()}`);
    t.equal(answer.status, 200);
    return ((await answer.json()) as { started: string }).started;
  };
  const since = await started();
  t.match(since, /^\d{4}-\d\d-\d\dT/);
  const stranger = await fetch(`http://127.0.0.1:${relays.port('r')}/api/status?token=${given}`);
  t.equal(stranger.status, 403);
  await stranger.arrayBuffer();

  const before = relays.supervisor.status().id;
  sshd.killSessions();
  await relays.next('the next link', (event) => event.type === 'backend.ready', before, 60_000);
  const { standing, lanes } = await relays.reach('r', 'connected', 60_000);
  t.equal(standing.verified, true);
  t.match(lanes[0]?.backend, { adopted: true, run: first.lanes[0]?.backend?.run, says: first.lanes[0]?.backend?.says });
  t.equal(relays.supervisor.token('r').token?.reveal(), token?.reveal());
  t.equal(await started(), since);
});
