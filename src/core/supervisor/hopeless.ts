import { Fault, type FaultReport } from '../model/fault.ts';
import type { RelaySnapshot } from '../model/snapshot.ts';
import { standing } from '../model/standing.ts';

/** Why no client of a relay is kept waiting now: waiting cannot bring what is missing; null where it can. */
export function hopeless(relay: string, snapshot: RelaySnapshot | null): FaultReport | null {
  const { word, fault } = snapshot === null ? { word: 'offline' as const, fault: null } : standing(snapshot);
  if (word === 'blocked') return fault;
  // The lanes are on their way out, others will come.
  if (snapshot?.running === 'restarting') return null;
  if (word !== 'offline' && word !== 'draining') return null;
  return new Fault('RELAY_STOPPED', `${relay} was stopped while a client waited; start it again`).report();
}
