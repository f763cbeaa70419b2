import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { Stage } from '../../model/state.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import type { Marks } from './errors.ts';
import type { Auth } from './auth.ts';
import { wrongFault } from './question-faults.ts';
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

/** A server that talks and talks, and never says that it is one. */
export function endlessFault(where: string): Fault {
  const text = `${where} sent more than 64 KiB, or 1000 lines, before an SSH greeting; check what listens on this port`;
  return new Fault('PROTOCOL_ERROR', text);
}

/** A key was shown that is not to be taken, without a signature by it: whose it is, nobody knows. */
export function unprovedFault(where: string, key: Buffer): Fault {
  const text = `${where} did not prove the host key that arrived (${fingerprint(key)}): data may have been altered on the way, and nobody logged in; try again, and if it stays so look at the network between`;
  return new Fault('HANDSHAKE_FAILED', text);
}

/** What ssh says last where it has come to no login: nobody counts that. */
const reachedNobody = /ssh: (?:connect to host|Could not resolve hostname) /;

/** The connection ended before the login was done and ssh2 raised no error of its own. */
export function closedFault(stage: Stage, where: string, heard: string, error: Marks | null): Fault {
  if (heard === '' && error !== null && error.command !== null) {
    const { exit, ran, missing } = error.command;
    const detail = {
      ...(exit === null ? {} : { exit }),
      ran,
      ...(reachedNobody.test(error.text) ? { unreached: 1 } : {}),
    };
    if (missing) {
      const text = `${error.text}; install the program, or correct it in ssh_config`;
      return new Fault('PROXY_COMMAND_MISSING', text, { detail });
    }
    const text = `${error.text} before the SSH greeting; run it by hand, or correct it in ssh_config`;
    return new Fault('PROXY_COMMAND_FAILED', text, { detail });
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
  const ended = auth.ended();
  if (ended !== null) return ended;
  if (error.level === 'client-authentication') {
    const methods = auth.methods() ?? [];
    if (auth.answers() > 0) return wrongFault(hop, auth);
    if (hop.lacking !== null && auth.unsigned() === null) return hop.lacking;
    if (auth.partial() || (methods.length > 0 && !methods.includes('publickey'))) {
      const may = hop.host.batchMode
        ? 'BatchMode lets nobody be asked'
        : `only ${hop.host.authMethods.join(', ')} may be used`;
      const text = `${where} wants ${methods.map(printable).join(' or ')} to log in, and ${may}; correct it in ssh_config or there`;
      return new Fault('NEEDS_ANSWER', text, { detail: { methods: printable(methods.join(',')) } });
    }
    const unsigned = auth.unsigned();
    if (unsigned !== null) return unsignedFault(where, unsigned);
    return hop.lacking ?? rejectedFault(hop, auth);
  }
  if (stage === 'authentication' && error.code === 2 && auth.answers() > 0) return wrongFault(hop, auth);
  // What sshd says when MaxAuthTries is reached: the credentials are wrong, the server is not busy.
  if (stage === 'authentication' && error.code === 2 && offered.length === 1) return rejectedFault(hop, auth);
  if (stage === 'authentication' && error.code === 2 && offered.length > 1) {
    return new Fault(
      'AUTH_TOO_MANY',
      `${where} gave up after ${offered.length} identities ("${error.text}"; offered: ${offered.join(', ')}); write "IdentityFile" with the path of the right one and "IdentitiesOnly yes" under "Host ${hop.host.alias}" in ssh_config`,
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

/** The server would take a key, and there is no signature. */
function unsignedFault(where: string, unsigned: Fault): Fault {
  const { code, detail, message } = unsigned;
  if (code !== 'AGENT_UNREACHABLE') return new Fault(code, `${where}: ${message}`, { cause: unsigned, detail });
  return new Fault('AGENT_REFUSED', `${where} would take a key of the agent, but: ${message}`, { cause: unsigned });
}

function rejectedFault({ where, notes }: Hop, { offered, skipped }: Auth): Fault {
  const what = offered.length === 0 ? 'nothing was offered' : `offered: ${offered.join(', ')}`;
  const list = [what, ...skipped, ...notes].join('; ');
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
