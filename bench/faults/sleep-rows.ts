import { setTimeout as sleep } from 'node:timers/promises';
import { signalAll } from '../../test/fixtures/process-tree.ts';
import { givenUp } from './causes.ts';
import { asleep, forget } from './deeds.ts';
import { reset } from './link-rows.ts';
import type { FaultRow } from './row.ts';

/** The machine sleeps: all of everybody's processes stand still. */
export const sleepRows: readonly FaultRow[] = [
  { id: 'F25', title: 'asleep for 15 s', sees: 'nothing: the link is asked and kept', make: asleep(15_000) },
  {
    id: 'F26',
    title: 'asleep for 15 s, given up by the server',
    sees: reset,
    config: ['ClientAliveInterval 1', 'ClientAliveCountMax 3'],
    make: asleep(15_000),
  },
  {
    id: 'F27',
    title: 'asleep for 5 s; afterwards the network has forgotten the connection',
    why: { open: givenUp },
    sees: 'who comes is served over a second link',
    async make(scene) {
      const pids = scene.rivals.flatMap((rival) => rival.pids());
      signalAll(pids, 'SIGSTOP');
      await sleep(5_000);
      forget(scene);
      signalAll([...pids].reverse(), 'SIGCONT');
    },
  },
];
