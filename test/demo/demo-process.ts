import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { descendants, endAll } from '../fixtures/process-tree.ts';
import type { Owner } from '../fixtures/temp.ts';
import { Transcript } from '../fixtures/transcript.ts';

/** `npm run demo` as a process of its own. */
export interface DemoProcess {
  readonly child: ChildProcess;
  /** Its TMPDIR. */
  readonly dir: string;
  readonly printed: Transcript;
  /** `127.0.0.1:port` of the page. */
  readonly address: string;
  readonly token: string;
}

/** Starts the demo and waits until it has introduced itself. */
export async function startDemo(t: Owner): Promise<DemoProcess> {
  // Shorter than a test's folder: a Unix socket's path has 107 bytes at most.
  const dir = mkdtempSync(join(tmpdir(), 'demo-'));
  const main = resolve(import.meta.dirname, '..', '..', 'demo', 'main.js');
  const child = spawn(process.execPath, [main], { env: { ...process.env, TMPDIR: dir }, stdio: 'pipe' });
  t.teardown(async () => {
    const { pid } = child;
    // A worker that has lost its daemon may still write for a moment.
    if (pid !== undefined) await endAll([pid, ...descendants(pid).map((one) => one.pid)]);
    rmSync(dir, { recursive: true, force: true });
  });
  const printed = new Transcript('the demo');
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => printed.append(part));
  }
  child.once('exit', (code, signal) => printed.end(`ended with ${code ?? signal}`));
  const [, address = '', token = ''] = await printed.waitFor(/http:\/\/(127\.0\.0\.1:\d+)\/#token=([\w-]{43})/);
  return { child, dir, printed, address, token };
}
