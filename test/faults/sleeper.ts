import { signalAll } from '../fixtures/process-tree.ts';
import type { Owner } from '../fixtures/temp.ts';
import type { Relays } from './relays.ts';

/** Sends daemon and workers to sleep; what comes back wakes them. */
export function sleep(t: Owner, relays: Relays): () => void {
  const pids = relays.pids();
  const wake = () => signalAll([...pids].reverse(), 'SIGCONT');
  t.teardown(wake);
  signalAll(pids, 'SIGSTOP');
  return wake;
}
