import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { handedOver, madeAnew } from './causes.ts';
import { kill, ruleAnew } from './deeds.ts';
import { countFates, failed } from './fates.ts';
import { burst } from './load.ts';
import type { FaultRow, Trial, Verdict } from './row.ts';
import type { FaultScene, Rival } from './scene.ts';
import { ask } from './witness.ts';

/** How long it is counted how often each knocks, ms. */
const counted = 30_000;

/** How often each knocks at a server that lets it in no more. */
const knocks = (spoil: (scene: FaultScene) => unknown): Pick<Trial, 'together' | 'spoil' | 'try'> => ({
  together: true,
  async spoil(scene) {
    await spoil(scene);
    kill(scene);
  },
  async try(_, rival) {
    const times = await loginsWithin(counted, rival);
    return { text: logins(times, counted), bad: times, took: null };
  },
});

const logins = (times: number, lasts: number) => `${times} ${times === 1 ? 'login' : 'logins'} in ${lasts / 1_000} s`;

async function loginsWithin(lasts: number, { road }: Rival): Promise<number> {
  const before = road.passages.length;
  await sleep(lasts);
  return road.passages.length - before;
}

/** What five clients are told, and how often each knocks meanwhile. */
async function told(_: FaultScene, rival: Rival): Promise<Verdict> {
  const knocked = loginsWithin(10_000, rival);
  await sleep(2_500);
  const verdict = await countFates(rival.port, 5);
  const times = await knocked;
  return { ...verdict, text: `${verdict.text}; ${logins(times, 10_000)}`, logins: times };
}

export const policyRows: readonly FaultRow[] = [
  {
    id: 'F34',
    title: 'MaxStartups is full: sshd lets nobody in beside one who says nothing',
    sees: 'waiting, with the reason and the time of the next attempt',
    ...knocks(async (scene) => {
      await ruleAnew('MaxStartups 1:100:1')(scene);
      const idle = connect({ port: scene.sshd.port, host: '127.0.0.1' });
      idle.on('error', () => undefined).unref();
    }),
  },
  {
    id: 'F35',
    title: '20 connects at a server that allows no session (MaxSessions 0)',
    why: { took: handedOver },
    sees: 'nothing',
    config: ['MaxSessions 0'],
    async try(_, { port }) {
      const { lost, took } = await burst(port, 20);
      return failed(lost, 20, took);
    },
  },
  {
    id: 'F36',
    title: 'forwarding is forbidden from now on (AllowTcpForwarding no)',
    sees: 'blocked, by name; clients are reset',
    together: true,
    spoil: ruleAnew('AllowTcpForwarding no'),
    try: told,
  },
  {
    id: 'F38',
    title: 'the target listens no more',
    sees: 'degraded, by name; clients are reset',
    together: true,
    spoil: ({ target }) => target.close(),
    try: told,
  },
  {
    id: 'F41',
    title: 'sshd ends links that nobody uses for 2 s (UnusedConnectionTimeout); a client comes each 4 s',
    why: { logins: madeAnew },
    sees: 'nothing: who comes is served',
    config: ['UnusedConnectionTimeout 2s'],
    together: true,
    async try(_, rival) {
      const knocked = loginsWithin(counted, rival);
      const answers: boolean[] = [];
      for (let number = 0; number < 7; number += 1) {
        answers.push(await ask(rival.port));
        await sleep(4_000);
      }
      const lost = answers.filter((answered) => !answered).length;
      const times = await knocked;
      return { text: `${lost} of 7 failed; ${logins(times, counted)}`, bad: lost, took: null, logins: times };
    },
  },
  {
    id: 'F44',
    title: 'sshd greets nobody (a ban that cuts)',
    sees: 'waiting, with the reason and the time of the next attempt',
    ...knocks(({ each }) => each((road) => road.add({ kind: 'limit_data', bytes: 30 }, 'down'))),
  },
  {
    id: 'F45',
    title: 'the host key is another one',
    sees: 'blocked, with both fingerprints and what to do',
    ...knocks(({ sshd }) => sshd.swapHostKey()),
  },
  {
    id: 'F49',
    title: 'the key is refused',
    sees: 'blocked, with the key that was refused',
    ...knocks(({ sshd }) => sshd.revokeKeys()),
  },
];
