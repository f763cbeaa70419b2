import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { describeWish, type Question, questionDetail } from '../../model/question.ts';
import type { Hop } from '../route.ts';
import type { Auth } from './auth.ts';

/** Nobody answered. What was tried before, or could not be, is said too: it may be what the user has to mend. */
export function unansweredFault(fault: Fault, { lacking, notes }: Hop, auth: Auth): Fault {
  if (fault.code !== 'NEEDS_ANSWER' || auth.partial()) return fault;
  const rejected = auth.rejected();
  if (rejected.length > 0) {
    const text = `${fault.message}; before that it rejected every identity (offered: ${rejected.join(', ')})`;
    return new Fault('NEEDS_ANSWER', text, { cause: fault, detail: { ...fault.detail, rejected: rejected.length } });
  }
  if (lacking === null || !notes.includes(lacking.message)) return fault;
  return new Fault('NEEDS_ANSWER', `${fault.message}; ${lacking.message}`, { cause: fault, detail: fault.detail });
}

/** The server would not wait until a person had answered: its LoginGraceTime (sshd_config(5)) is 2 min unless it is set. */
export function cutFault(question: Question): Fault {
  const text = `${question.where} ended the login while ${describeWish(question)} was waited for; answer within its LoginGraceTime: \`towline unlock\` asks again`;
  return new Fault('NEEDS_ANSWER', text, { detail: questionDetail(question) });
}

/** The server took none of the answers. */
export function wrongFault({ where }: Hop, auth: Auth): Fault {
  const [answers, { offered }] = [auth.answers(), auth];
  const keys = offered.length === 0 || auth.partial() ? '' : ` and every identity (offered: ${offered.join(', ')})`;
  const what = answers === 1 ? 'the answer' : `${answers} answers`;
  const text = `${where} rejected ${what} that it asked for${keys}; \`towline unlock\` asks you again`;
  return new Fault('AUTH_REJECTED', text, { detail: { offered: offered.length, answers } });
}

/** SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252 section 8). */
export function expiredFault(where: string, said: string): Fault {
  const why = said.trim() === '' ? '' : ` ("${printable(said.trim())}")`;
  const text = `the password for ${where} has expired${why}; log in once with \`ssh\` and choose a new one`;
  return new Fault('PASSWORD_EXPIRED', text);
}
