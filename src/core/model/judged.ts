import type { Judgement } from './event.ts';
import type { FaultReport } from './fault.ts';

/** What a lane's probe, or its last dial of the target, says of one forward. */
export interface Judged {
  readonly judgement: Judgement;
  readonly fault: FaultReport | null;
}

const pending: Judged = { judgement: 'pending', fault: null };

/** What a lane says of one forward; `pending` where nobody has asked yet. */
export function judgedBy(judged: readonly Judged[], forward: number): Judged {
  return judged[forward] ?? pending;
}
