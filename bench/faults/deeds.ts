import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Direction } from '../../test/fixtures/impairment.ts';
import { signalAll } from '../../test/fixtures/process-tree.ts';
import type { Toxic } from '../../test/fixtures/toxics.ts';
import type { FaultScene } from './scene.ts';

/** A toxic on every road, for so long. */
export const toxic =
  (what: Toxic, lasts: number, direction?: Direction) => async (scene: FaultScene, longer: number) => {
    const off = scene.add(what, direction);
    await sleep(lasts + longer);
    off();
  };

/** sshd is stopped and started again. */
export const away =
  (lasts: number) =>
  async ({ sshd }: FaultScene, longer = 0): Promise<void> => {
    await sshd.stop();
    await sleep(lasts + longer);
    await sshd.start();
  };

/** Rules of iptables(8) for each road, for so long. This runs in a network of its own. */
export const ruled =
  (
    rules: (port: number) => readonly string[],
    lasts: number,
    first: (scene: FaultScene) => unknown = () => undefined,
  ) =>
  async (scene: FaultScene, longer: number): Promise<void> => {
    const all = scene.rivals.flatMap(({ road }) => rules(road.port));
    const put = (verb: string) => {
      for (const rule of all) execFileSync('iptables', ['-w', verb, ...rule.split(' ')]);
    };
    put('-A');
    first(scene);
    await sleep(lasts + longer);
    put('-D');
  };

/** As a router does that knows new flows only; until `clearRules`, for a port that is used once more would be dead too. */
export const forget = ({ rivals }: FaultScene): void => {
  for (const { road } of rivals) {
    const flows = execFileSync('ss', ['-Htn', 'state', 'established', 'dport', '=', `:${road.port}`], {
      encoding: 'utf8',
    });
    for (const [, port] of flows.matchAll(/127\.0\.0\.1:(\d+) +127\.0\.0\.1:/g)) {
      for (const end of ['sport', 'dport'])
        execFileSync('iptables', ['-w', '-A', 'INPUT', '-p', 'tcp', `--${end}`, `${port}`, '-j', 'DROP']);
    }
  }
};

/** Takes away what rules a row has left. */
export const clearRules = (): void => void execFileSync('iptables', ['-w', '-F', 'INPUT']);

/** So many processes stand still for so long. */
export const pause = async (pids: readonly number[], lasts: number) => {
  signalAll(pids, 'SIGSTOP');
  await sleep(lasts);
  signalAll([...pids].reverse(), 'SIGCONT');
};

/** All that a machine's sleep stops. */
export const asleep =
  (lasts: number) =>
  ({ rivals }: FaultScene) =>
    pause(
      rivals.flatMap((rival) => rival.pids()),
      lasts,
    );

/** Ends every session; the listener stays. */
export const kill = ({ sshd }: FaultScene): void => sshd.killSessions();

/** sshd has another mind from now on, and everybody must log in anew. */
export const ruleAnew =
  (...lines: readonly string[]) =>
  async ({ sshd }: FaultScene): Promise<void> => {
    const old = readFileSync(sshd.configFile, 'utf8');
    // sshd takes the first value of a keyword
    writeFileSync(sshd.configFile, [...lines, old].join('\n'), { mode: 0o600 });
    await sshd.reload();
    sshd.killSessions();
  };
