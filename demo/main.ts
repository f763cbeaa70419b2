import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import ssh2 from 'ssh2';

import { Fault } from '../src/core/model/fault.ts';
import type { Standing } from '../src/core/model/standing.ts';
import { startBackend } from './backend.ts';
import { startRelay } from './relay.ts';
import { startSshServer } from './ssh-server.ts';

/** How long the first answer through the relay may take, ms. */
const patience = 20_000;
/** How long the server stays away when the page breaks the link: long enough to write a line meanwhile, ms. */
const absence = 3_000;

/** `npm run demo`: an SSH server, a backend behind it and a relay between, all made now and gone at the end. */
async function demo(dir: string, over: AbortSignal): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const closers: (() => Promise<void>)[] = [];
  try {
    const [host, user] = [ssh2.utils.generateKeyPairSync('ed25519'), ssh2.utils.generateKeyPairSync('ed25519')];
    const identity = join(dir, 'identity');
    writeFileSync(identity, user.private, { mode: 0o600 });

    const journal = join(dir, 'journal.jsonl');
    let killedAt: number | null = null;
    let kill = (_away: number): void => undefined;
    const backend = await startBackend(journal, () => kill(absence));
    closers.push(backend.close);
    let introduced = false;
    const server = await startSshServer({
      hostKey: host.private,
      publicKey: user.public,
      target: backend.port,
      onLogin: () => {
        if (killedAt !== null) say(`  SSH link up again after ${Math.round(performance.now() - killedAt)} ms`);
        killedAt = null;
      },
    });
    closers.push(server.close);
    kill = (away) => {
      killedAt = performance.now();
      const gone = away === 0 ? '' : `; the SSH server is away for ${away / 1_000} s`;
      say(`  ${server.kill(away)} SSH link killed${gone}`);
    };
    const [sshPort, target] = [server.port, backend.port];
    const onWord = ({ word, reason }: Standing): void => {
      if (introduced && !over.aborted) say(`  relay: ${word}${reason === '' ? '' : `, ${reason}`}`);
    };
    const relay = await startRelay({ dir, target, sshPort, hostPublicKey: host.public, identity, onWord });
    closers.push(relay.close);
    const address = `127.0.0.1:${relay.port}`;
    if (!(await served(`http://${address}/`, over)) && !over.aborted) {
      const { word, reason } = relay.standing();
      const seconds = patience / 1_000;
      throw new Fault('CONNECT_TIMEOUT', `the relay served nothing in ${seconds} s; it is ${word}: ${reason}`);
    }
    if (over.aborted) return;

    say(`towline demo

  SSH server   127.0.0.1:${server.port}, inside this process, keys made a moment ago
  backend      127.0.0.1:${backend.port}, reached only through SSH
  journal      ${journal}
  token        ${backend.token}

  page         http://${address}/#token=${backend.token}
  WebSocket    ws://${address}/?token=${backend.token}
               (or the subprotocols mains.v1 and mains.token.<token>)

  k + Enter    kills the SSH link; watch the page come back (k 5: the server stays away for 5 s)
  Ctrl-C       ends everything and leaves nothing behind
`);
    introduced = true;
    createInterface({ input: process.stdin }).on('line', (line) => {
      const [, seconds] = /^\s*k\s*(\d{0,3})\s*$/.exec(line) ?? [];
      if (seconds !== undefined) kill(Number(seconds) * 1_000);
    });
    await new Promise((resolve) => over.addEventListener('abort', resolve));
  } finally {
    // The relay first: it must not hammer a server that is going.
    for (const close of closers.reverse()) await close();
  }
}

async function served(address: string, over: AbortSignal): Promise<boolean> {
  const enough = AbortSignal.any([over, AbortSignal.timeout(patience)]);
  while (!enough.aborted) {
    const answer = await fetch(address, { signal: enough }).catch(() => null);
    if (answer?.ok === true) return true;
    await sleep(50, undefined, { signal: enough }).catch(() => undefined);
  }
  return false;
}

const over = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => over.abort());
const dir = mkdtempSync(join(tmpdir(), 'towline-demo-'));
chmodSync(dir, 0o700);
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
try {
  await demo(dir, over.signal);
} catch (error) {
  const fault = Fault.from(error);
  process.stderr.write(`demo: ${fault.message}\n`);
  process.exitCode = fault.entry.exit;
}
// Standard input, when it is a terminal, would keep the process.
process.exit();
