import { Fault } from '../../model/fault.ts';
import type { FaultCode } from '../../model/fault-table.ts';
import { printable } from '../../model/printable.ts';
import { CommandEnd } from '../command-end.ts';

/** What ssh2 and node:net attach to an error. */
export interface Marks {
  readonly level: string;
  /** A string for a system error (ECONNREFUSED), a number for a disconnect message (RFC 4253 section 11.1). */
  readonly code: string | number | null;
  readonly text: string;
  /** How a ProxyCommand ended; null where it is none that did. */
  readonly command: { readonly exit: number | null; readonly ran: number; readonly missing: boolean } | null;
}

/** Reads the facts of a foreign error; its text is escaped, for people only. */
export function marks(error: unknown): Marks {
  const from = error instanceof Error ? error : new Error(String(error));
  const level = 'level' in from && typeof from.level === 'string' ? from.level : '';
  const code = 'code' in from && (typeof from.code === 'string' || typeof from.code === 'number') ? from.code : null;
  return { level, code, text: printable(from.message), command: from instanceof CommandEnd ? from : null };
}

const socketCodes: Readonly<Record<string, FaultCode>> = {
  ECONNREFUSED: 'CONNECT_REFUSED',
  ENOTFOUND: 'NAME_NOT_FOUND',
  EAI_AGAIN: 'NAME_NOT_FOUND',
  EAI_NODATA: 'NAME_NOT_FOUND',
  ETIMEDOUT: 'CONNECT_TIMEOUT',
};

const socketTexts: Partial<Record<FaultCode, string>> = {
  CONNECT_REFUSED: 'nothing listens there, or a firewall rejects this address; start sshd, or correct the port',
  NAME_NOT_FOUND: 'the name does not resolve; check HostName in ssh_config, and the network',
  CONNECT_TIMEOUT: 'no answer; check the address and the firewall',
};

/** Translates the failure of a TCP connect. `where` names host and port, `from` is BindAddress where it is set. */
export function connectFault(error: unknown, where: string, from: string | null): Fault {
  const { code, text } = marks(error);
  if (from !== null && (code === 'EADDRNOTAVAIL' || code === 'EINVAL')) {
    const why = `BindAddress ${from} is no address of this machine now; correct it in ssh_config, or bring it up`;
    return new Fault('CONNECT_FAILED', `cannot connect to ${where}: ${why}`, { cause: error, detail: { where } });
  }
  const found: FaultCode = (typeof code === 'string' ? socketCodes[code] : undefined) ?? 'CONNECT_FAILED';
  const why = socketTexts[found] ?? `${text || String(code)}; check the network`;
  return new Fault(found, `cannot connect to ${where}: ${why}`, { cause: error, detail: { where } });
}

/** Translates the reason with which a server refused to open a channel (RFC 4254 section 5.1). */
export function openFault(error: unknown, where: string, target: string): Fault {
  const reason = error instanceof Error && 'reason' in error ? error.reason : null;
  const text = marks(error).text.replace(/^\(SSH\) Channel open failure: /, '');
  if (reason === 1) {
    return new Fault(
      'FORWARDING_REFUSED',
      `${where} refuses to forward to ${target}; check AllowTcpForwarding, PermitOpen and the key's options there`,
      { cause: error, detail: { target } },
    );
  }
  if (reason === 2 || reason === 3 || reason === 4) {
    return new Fault(
      'TARGET_REFUSED',
      `${where} cannot reach ${target}: ${text}; start the backend, or correct the target`,
      {
        cause: error,
        detail: { target },
      },
    );
  }
  return new Fault('LINK_LOST', `the link to ${where} ended while ${target} was being opened; nothing to do`, {
    cause: error,
    detail: { target },
  });
}
