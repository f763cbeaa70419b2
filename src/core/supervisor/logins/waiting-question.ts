import type { Fact, QuestionFact } from '../../model/event.ts';
import { describeWish, type Question } from '../../model/question.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { LaneId } from '../../protocol.ts';
import type { AskedQuestion } from './attendant.ts';
import type { WorkerKeeper } from '../workers/worker-keeper.ts';

/** A question of a lane that has no answer yet. */
export interface Waiting extends AskedQuestion {
  readonly keeper: WorkerKeeper;
  readonly request: number;
  readonly lane: LaneId;
  readonly fact: QuestionFact;
  /** Ends the askpass program. */
  readonly over: AbortController;
  /** It was put to somebody; else it waits for the answer to the same question of another lane. */
  shown: boolean;
  /** The askpass program has it. */
  asking: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Why it has no answer, and who gave it one. */
export type Why = Extract<Fact, { type: 'question.unanswered' }>['why'];
export type Source = Extract<Fact, { type: 'question.answered' }>['by'];

/** One that was put to nobody so far. */
export function waitingQuestion(
  id: number,
  keeper: WorkerKeeper,
  request: number,
  lane: LaneId,
  question: Question,
): Waiting {
  const relay = relayOf(lane);
  const { kind, where, again } = question;
  const fact = { relay, lane: Number(lane.slice(relay.length + 1)), kind, where, wish: describeWish(question), again };
  const state = { over: new AbortController(), shown: false, asking: false, timer: undefined };
  return { id, keeper, request, lane, relay, question, fact, ...state };
}

/** Whose lane it is. */
export function relayOf(lane: LaneId): string {
  return lane.slice(0, lane.lastIndexOf('#'));
}

/** The lanes that are blocked because nobody answered this, or whose second link is. */
export function lanesBlockedBy(
  about: string,
  { relays }: Snapshot,
): readonly { readonly relay: string; readonly lane: number }[] {
  return Object.entries(relays).flatMap(([relay, { lanes }]) =>
    lanes.flatMap(({ state }, lane) => {
      const rest = state.at === 'up' ? state.beside : state;
      return rest?.at === 'blocked' && rest.fault.detail['about'] === about ? [{ relay, lane }] : [];
    }),
  );
}
