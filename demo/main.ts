import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import ssh2 from 'ssh2';

import { Ports } from '../bench/ports.ts';
import { Fault } from '../src/core/model/fault.ts';
import { startBackend } from './backend.ts';
import { startRelay } from './relay.ts';
import { startSshServer } from './ssh-server.ts';

/** `npm run demo`: an SSH server, a backend behind it and a relay between, all made now and gone at the end. */
async function demo(dir: string, over: AbortSignal): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const closers: (() => Promise<void>)[] = [];
  try {
    const [host, user] = [ssh2.utils.generateKeyPairSync('ed25519'), ssh2.utils.generateKeyPairSync('ed25519')];
    const identity = join(dir, 'identity');
    writeFileSync(identity, user.private, { mode: 0o600 });

    const journal = join(dir, 'journal.jsonl');
    const backend = await startBackend(journal);
    closers.push(backend.close);
    let killedAt: number | null = null;
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
    const listen = await new Ports().free();
    const [sshPort, target] = [server.port, backend.port];
    const relay = startRelay({ dir, listen, target, sshPort, hostPublicKey: host.public, identity });
    closers.push(relay.close);

    // A daemon that cannot start must not leave the demo waiting.
    const died = relay.ended.then((words) => {
      if (!over.aborted) throw new Fault('INTERNAL', `the daemon ended; it said: ${words}`);
    });
    const served = fetchUntilServed(`http://127.0.0.1:${listen}/?token=${backend.token}`, over);
    await Promise.race([served, died]);

    const query = `127.0.0.1:${listen}/?token=${backend.token}`;
    say(`towline demo

  SSH server   127.0.0.1:${server.port}, inside this process, keys made a moment ago
  backend      127.0.0.1:${backend.port}, reached only through SSH
  journal      ${journal}
  token        ${backend.token}

  page         http://${query}
  WebSocket    ws://${query}
               (or the subprotocols mains.v1 and mains.token.<token>)

  k + Enter    kills the SSH link; watch the page come back
  Ctrl-C       ends everything and leaves nothing behind
`);
    createInterface({ input: process.stdin }).on('line', (line) => {
      if (line.trim() !== 'k') return;
      killedAt = performance.now();
      say(`  ${server.kill()} SSH link killed`);
    });
    await Promise.race([died, new Promise((resolve) => over.addEventListener('abort', resolve))]);
  } finally {
    // The relay first: it must not hammer a server that is going.
    for (const close of closers.reverse()) await close();
  }
}

async function fetchUntilServed(address: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const answer = await fetch(address, { signal: over }).catch(() => null);
    if (answer?.ok === true) return;
    await sleep(50, undefined, { signal: over }).catch(() => undefined);
  }
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
