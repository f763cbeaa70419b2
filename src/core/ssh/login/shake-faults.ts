import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { Stage } from '../../model/state.ts';
import type { Marks } from './errors.ts';
import type { Auth } from './auth.ts';
import { proxyEnded } from '../proxy-command.ts';
import type { Hop } from '../route.ts';

/** A stage ran out of time. `asking`: the agent that was being asked for a signature. */
export function timeoutFault(stage: Stage, { where, host }: Hop, ms: number, asking: string | null): Fault {
  const seconds = `${ms / 1000} s`;
  if (stage === 'greeting' && host.proxyCommand !== null) {
    const text = `the ProxyCommand of ${where} brought no SSH greeting within ${seconds}; run it by hand, or raise deadlines.greeting`;
    return new Fault('GREETING_TIMEOUT', text);
  }
  if (stage === 'greeting') {
    const text = `${where} accepted TCP but sent no SSH greeting within ${seconds}; check that sshd answers on this port`;
    return new Fault('GREETING_TIMEOUT', text);
  }
  if (stage === 'key exchange') {
    const text = `${where} is stuck in the key exchange for ${seconds}; large packets may be lost, check the MTU`;
    return new Fault('KEX_TIMEOUT', text);
  }
  if (asking !== null) {
    const text = `the ssh-agent at "${asking}" gave no signature for ${where} within ${seconds}; confirm in time, or raise deadlines.auth`;
    return new Fault('AGENT_REFUSED', text);
  }
  return new Fault(
    'AUTH_TIMEOUT',
    `${where} did not finish the authentication within ${seconds}; look at the server's log`,
  );
}

/** The connection ended before the login was done and ssh2 raised no error of its own. */
export function closedFault(stage: Stage, where: string, heard: string, error: Marks | null): Fault {
  if (heard === '' && error?.code === proxyEnded) {
    const text = `${error.text} before the SSH greeting; run it by hand, or correct it in ssh_config`;
    return new Fault('PROXY_COMMAND_FAILED', text);
  }
  if (heard === '') {
    const text = `${where} closed the connection without a word; a port proxy may have nothing behind it`;
    return new Fault('CLOSED_EARLY', text);
  }
  if (stage === 'greeting') {
    const said = printable(firstLine(heard));
    // ssh2 marks an error with a level, save when it cannot make sense of a greeting.
    if (/^\s*(?:HTTP\/|<)/.test(heard) || error?.level === '') {
      const text = `${where} is no SSH server: it says "${said}"; correct the port, or what forwards it`;
      return new Fault('HANDSHAKE_FAILED', text);
    }
    return new Fault(
      'SERVER_BUSY',
      `${where} closed the connection before the SSH greeting: "${said}"; wait, or look at its log`,
    );
  }
  const why = error === null ? '' : `: ${error.text}`;
  const during = stage === 'authentication' ? 'during authentication' : 'during the key exchange';
  return new Fault(
    'SERVER_BUSY',
    `${where} closed the connection ${during}${why}; it may be busy (MaxStartups) or blocking this address`,
  );
}

/** ssh2 raised an error before the login was done. */
export function brokenFault(stage: Stage, hop: Hop, error: Marks, auth: Auth, heard: string): Fault {
  const { where } = hop;
  const { offered } = auth;
  if (error.level === 'client-authentication') {
    const methods = auth.methods() ?? [];
    if (auth.partial() || (methods.length > 0 && !methods.includes('publickey'))) {
      const text = `${where} wants ${methods.join(' or ')} to log in, which towline cannot answer yet; allow a key alone there`;
      return new Fault('NEEDS_ANSWER', text, { detail: { methods: methods.join(',') } });
    }
    const unsigned = auth.unsigned();
    if (unsigned !== null) {
      const text = `${where} would take a key of the agent, but: ${unsigned.message}`;
      return new Fault('AGENT_REFUSED', text, { cause: unsigned });
    }
    return rejectedFault(hop, offered);
  }
  // What sshd says when MaxAuthTries is reached: the credentials are wrong, the server is not busy.
  if (stage === 'authentication' && error.code === 2 && offered.length === 1) return rejectedFault(hop, offered);
  if (stage === 'authentication' && error.code === 2 && offered.length > 1) {
    return new Fault(
      'AUTH_TOO_MANY',
      `${where} gave up after ${offered.length} identities ("${error.text}"; offered: ${offered.join(', ')}); set IdentityFile and IdentitiesOnly yes for it`,
      { detail: { offered: offered.length } },
    );
  }
  if (error.level === 'client-socket' || stage === 'greeting' || typeof error.code === 'number') {
    return closedFault(stage, where, heard, error);
  }
  return new Fault(
    'HANDSHAKE_FAILED',
    `the handshake with ${where} broke off: ${error.text}; check what listens on this port`,
  );
}

function rejectedFault({ where, notes }: Hop, offered: readonly string[]): Fault {
  const list = [offered.length === 0 ? 'nothing was offered' : `offered: ${offered.join(', ')}`, ...notes].join('; ');
  return new Fault(
    'AUTH_REJECTED',
    `${where} rejected every identity (${list}); add the public key to authorized_keys there, or name another IdentityFile`,
    { detail: { offered: offered.length } },
  );
}

function firstLine(heard: string): string {
  const [line = ''] = heard.trim().split(/\r?\n/, 1);
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
