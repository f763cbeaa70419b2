import type { FaultReport } from '../core/model/fault.ts';
import type { Question } from '../core/model/question.ts';
import type { Word } from '../core/model/state.ts';

/** What `POST /v1/relays/NAME/unlock` tells whoever has come to answer, until he leaves. */
export type UnlockMessage =
  /** Waits for `POST /v1/questions/ID`. */
  | { readonly type: 'question'; readonly id: number; readonly question: Question }
  /** It does not wait any more. */
  | { readonly type: 'over'; readonly id: number }
  /** What the relay has become; `trying`: a lane of it is on its way, more may be asked. */
  | {
      readonly type: 'standing';
      readonly word: Word;
      readonly reason: string;
      readonly fault: FaultReport | null;
      readonly trying: boolean;
    };
