import type { Question } from '../../model/question.ts';
import type { LoginStep } from '../login-step.ts';
import type { Auth } from './auth.ts';

/** What became of the identities of a login that is over. `unanswered`: what a person was still asked. */
export function identitiesStep(
  where: string,
  { offered, skipped, unsignedKeys, rejected: refused, methods }: Auth,
  unanswered: Question | null,
  entered: boolean,
): LoginStep {
  // A key whose passphrase is still asked for has not come that far.
  const awaited = unanswered?.kind === 'passphrase' ? offered.slice(refused().length) : [];
  const unsigned = [...unsignedKeys, ...awaited];
  const rejected = (entered ? refused() : offered).filter((key) => !unsigned.includes(key));
  return { step: 'identities', where, offered, rejected, unsigned, skipped, methods: methods(), entered };
}
