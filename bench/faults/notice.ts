import { setTimeout as sleep } from 'node:timers/promises';
import { runs } from '../../test/fixtures/process-tree.ts';
import { watchEvents } from '../towline-status.ts';

/** When somebody knew first that something is wrong. */
export interface Notice {
  /** ms of `performance.now()`; null: not yet. */
  readonly at: () => number | null;
  stop(): void;
}

/** What towline says when it knows, or suspects, that a link, a worker or the machine had a fault. */
const alarms = [
  'link.doubted',
  'machine.woke',
  'network.changed',
  'worker.ended',
  'connection.refused',
  'forward.judged',
];

/** Heeds the events of the daemon whose socket is in this folder. */
export async function heedTowline(runtimeDir: string): Promise<Notice> {
  let at: number | null = null;
  const stop = await watchEvents(runtimeDir, (event) => {
    const away = event.type === 'lane.changed' && event.state?.at !== 'up';
    if (away || alarms.includes(event.type)) at ??= performance.now();
  });
  return { at: () => at, stop };
}

/** An ssh says nothing: it knows when it ends. */
export function heedTunnel(pids: readonly number[]): Notice {
  let at: number | null = null;
  const stop = new AbortController();
  const look = async () => {
    while (at === null && !stop.signal.aborted) {
      if (pids.some((pid) => !runs(pid))) at = performance.now();
      await sleep(10);
    }
  };
  void look();
  return { at: () => at, stop: () => stop.abort() };
}
