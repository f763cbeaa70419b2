import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Fault } from '../../model/fault.ts';
import { Turnstile } from '../../model/turnstile.ts';
import { bundled } from '../../process/own-files.ts';

/** What came of a passphrase. */
export type Decrypted =
  | { readonly kind: 'key'; readonly key: KeyObject }
  | { readonly kind: 'wrong' }
  /** Whatever the passphrase, this file is of no use. */
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Opens an encrypted private key. bcrypt holds a thread for 0.3 s and more (`ssh-keygen -a` decides), so that it has one of its own;
 * `signal` ends it. As many are open at once as there are cores: a thread takes 13 MB, and more would only be slower.
 */
export function decryptKey(text: string, passphrase: string, signal: AbortSignal): Promise<Decrypted> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(Fault.from(signal.reason));
    if (signal.aborted) return gone();
    signal.addEventListener('abort', gone, { once: true });
    atOnce.enter((leave) => {
      signal.removeEventListener('abort', gone);
      if (signal.aborted) return leave();
      inThread(text, passphrase, signal).finally(leave).then(resolve, reject);
    });
  });
}

const atOnce = new Turnstile(availableParallelism());

function inThread(text: string, passphrase: string, signal: AbortSignal): Promise<Decrypted> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(bundled('core/ssh/identity/decrypt-thread'), {
      workerData: { text, passphrase },
      // The passphrase is not for other code that the environment might load.
      env: {},
      execArgv: [],
    });
    const settle = (end: () => void) => {
      signal.removeEventListener('abort', aborted);
      void worker.terminate();
      end();
    };
    const aborted = () => settle(() => reject(Fault.from(signal.reason)));
    signal.addEventListener('abort', aborted, { once: true });
    worker.once('message', (decrypted: Decrypted) => settle(() => resolve(decrypted)));
    worker.once('error', (error) => settle(() => reject(Fault.from(error))));
  });
}
