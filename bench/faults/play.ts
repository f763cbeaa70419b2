import { setTimeout as sleep } from 'node:timers/promises';
import type { Owner } from '../../test/fixtures/temp.ts';
import { clearRules } from './deeds.ts';
import { ofRounds } from './rounds.ts';
import { type FaultRow, type Meeting, phase, type Trial, type Verdict } from './row.ts';
import { type RivalName, rivalNames, startFaultScene } from './scene.ts';
import type { Met, Seen } from './seen.ts';
import { keepOpen, sendNewcomers } from './witness.ts';

/** So long after a fault somebody must be back, ms: autossh may wait for a minute. */
const patience = 90_000;
/** What has lived so long counts as up, with everybody. ms */
const settled = 2_500;

/** Has every rival meet the fault of a row. */
export function play(row: FaultRow): Promise<Seen> {
  if ('make' in row) return meet(row);
  return row.together === true ? tryTogether(row) : tryEach(row);
}

/** Meets all rivals with one fault, at the same time, as often as the row says. */
async function meet(row: Meeting): Promise<Seen> {
  const rounds: Partial<Record<RivalName, Met>>[] = [];
  for (let round = 0; round < (row.rounds ?? 1); round += 1) rounds.push(await meetOnce(row, round * phase));
  const names = rivalNames.filter((name) => rounds.some((seen) => seen[name] !== undefined));
  return Object.fromEntries(
    names.map((name) => [name, ofRounds(rounds.flatMap(({ [name]: seen }) => (seen === undefined ? [] : [seen])))]),
  );
}

async function meetOnce(row: Meeting, longer: number): Promise<Partial<Record<RivalName, Met>>> {
  return staged(async (t) => {
    const scene = await startFaultScene(t, row);
    const open = await Promise.all(scene.rivals.map(({ port }) => keepOpen(port)));
    await sleep(settled);
    const notices = await Promise.all(scene.rivals.map((rival) => rival.notice()));
    const since = performance.now();
    const healed = row.make(scene, longer).then(() => performance.now());
    const newcomers = await Promise.all(scene.rivals.map(({ port }) => sendNewcomers(port, healed, patience)));
    const seen: Partial<Record<RivalName, Met>> = {};
    for (const [index, { name }] of scene.rivals.entries()) {
      const [notice, fate, came] = [notices[index], open[index]?.fate(since), newcomers[index]];
      if (notice === undefined || fate === undefined || came === undefined) continue;
      const at = notice.at();
      seen[name] = { noticed: at === null ? null : at - since, open: fate, newcomers: came };
      notice.stop();
      open[index]?.close();
    }
    return seen;
  });
}

async function tryTogether(row: Trial): Promise<Seen> {
  return staged(async (t) => {
    const scene = await startFaultScene(t, row);
    await sleep(settled);
    await row.spoil?.(scene);
    const verdicts = await Promise.all(
      scene.rivals.map(async (rival) => [rival.name, await row.try(scene, rival)] as const),
    );
    return Object.fromEntries(verdicts);
  });
}

/** Each rival meets the fault by itself, on a scene of its own. */
async function tryEach(row: Trial): Promise<Seen> {
  const seen: Partial<Record<RivalName, Verdict>> = {};
  for (const name of rivalNames) {
    await staged(async (t) => {
      const scene = await startFaultScene(t, row);
      await sleep(settled);
      await row.spoil?.(scene);
      const rival = scene.rivals.find((one) => one.name === name);
      if (rival !== undefined) seen[name] = await row.try(scene, rival);
    });
  }
  return seen;
}

async function staged<T>(perform: (t: Owner) => Promise<T>): Promise<T> {
  const cleanups: (() => unknown)[] = [];
  try {
    return await perform({ teardown: (clean) => cleanups.push(clean) });
  } finally {
    for (const clean of cleanups.reverse()) await clean();
    clearRules();
  }
}
