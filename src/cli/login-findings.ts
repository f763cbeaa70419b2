import type { Fault } from '../core/model/fault.ts';
import type { Stage } from '../core/model/state.ts';
import type { LoginStep } from '../core/ssh/login-step.ts';
import { type Finding, mind, well } from './finding.ts';

/** What a step of a login tells. Pure. */
export function loginFindings(step: LoginStep): readonly Finding[] {
  const { where } = step;
  switch (step.step) {
    case 'reached':
      return [
        well(
          'reached',
          where,
          `reached ${step.how} in ${step.took} ms${step.command === null ? '' : `: ${step.command}`}`,
        ),
      ];
    case 'greeting':
      return [well('greeting', where, step.server)];
    case 'algorithms': {
      const { kex, hostKey, cipher } = step.agreed;
      const strict = step.strict ? 'strict key exchange' : 'no strict key exchange';
      return [well('algorithms', where, `${kex}, ${hostKey}, ${cipher}; ${strict}, not post-quantum`)];
    }
    case 'host key': {
      const known = step.isNew ? 'new, and written to known_hosts (accept-new)' : 'known';
      return [well('host key', where, `${step.fingerprint} is ${known}`)];
    }
    case 'identities':
      return identityFindings(step);
  }
}

/** So many keys shown to a server are more than it needs to know, and near sshd's limit of six (MaxAuthTries). */
const manyKeys = 4;

function identityFindings(step: Extract<LoginStep, { step: 'identities' }>): readonly Finding[] {
  const { where, offered, rejected, unsigned, skipped, methods, entered } = step;
  const accepted = offered.filter((key) => !rejected.includes(key) && !unsigned.includes(key));
  const takes = methods === null || methods.length === 0 ? '' : `; it takes ${methods.join(', ')}`;
  return [
    ...skipped.map((text) => mind('identities', where, text)),
    ...rejected.map((key) => mind('identities', where, `shown, not accepted: ${key}`)),
    ...unsigned.map((key) => mind('identities', where, `the server may take it, but it could not be used: ${key}`)),
    ...(entered ? accepted.map((key) => well('identities', where, `accepted: ${key}`)) : []),
    ...(rejected.length >= manyKeys
      ? [
          mind(
            'identities',
            where,
            `the server was shown ${rejected.length} keys that it does not know`,
            'name the right one with IdentityFile, and set IdentitiesOnly yes for this host',
          ),
        ]
      : []),
    ...(entered ? [well('login', where, accepted.length > 0 ? 'logged in by key' : 'logged in')] : []),
    ...(entered || takes === '' ? [] : [mind('login', where, `the server did not let us in${takes}`)]),
  ];
}

/** What a note is about, by how far the attempt has come. */
export function notedStep(stage: Stage | null): Finding['step'] {
  if (stage === null) return 'identities';
  return stage === 'permit' || stage === 'tcp' || stage === 'greeting' ? 'reached' : 'login';
}

/** Where an attempt came to its end: by its fault, else by the last step that went well. */
export function failedStep({ code }: Fault, last: LoginStep | null): Finding['step'] {
  if (/^(?:HOST_KEY|KNOWN_HOSTS)_/.test(code)) return 'host key';
  if (code === 'ALGORITHM_MISMATCH' || code === 'STRICT_KEX_MISSING') return 'algorithms';
  if (/^(?:AUTH|AGENT|IDENTITY|PASSWORD)_/.test(code) || code === 'NEEDS_ANSWER') return 'login';
  switch (last?.step) {
    case undefined:
      return 'reached';
    case 'reached':
      return 'greeting';
    case 'greeting':
      return 'algorithms';
    case 'algorithms':
      return 'host key';
    case 'host key':
      return 'login';
    case 'identities':
      // Of a hop before: this one has not been reached yet.
      return last?.entered ? 'reached' : 'login';
  }
}
