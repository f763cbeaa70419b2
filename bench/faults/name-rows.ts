import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { kill } from './deeds.ts';
import { reset } from './link-rows.ts';
import { plainName, resolvePlainName, twofoldName } from './own-network.ts';
import { type FaultRow, often } from './row.ts';

/** What becomes of a name. */
export const nameRows: readonly FaultRow[] = [
  {
    id: 'F23',
    title: 'killed, and for 5 s its name does not resolve',
    sees: reset,
    hostName: plainName,
    rounds: often,
    async make(scene, longer) {
      resolvePlainName(false);
      kill(scene);
      await sleep(5_000 + longer);
      resolvePlainName(true);
    },
  },
  {
    id: 'F24',
    title: 'killed, and for 20 s the first address of its name, of IPv6, is a black hole',
    sees: reset,
    hostName: twofoldName,
    rounds: often,
    async make(scene, longer) {
      const drop = (verb: string) => {
        for (const { road } of scene.rivals)
          execFileSync('ip6tables', ['-w', verb, 'INPUT', '-p', 'tcp', '--dport', `${road.port}`, '-j', 'DROP']);
      };
      drop('-A');
      kill(scene);
      await sleep(20_000 + longer);
      drop('-D');
    },
  },
];
