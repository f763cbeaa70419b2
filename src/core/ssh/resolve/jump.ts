import { lineFault } from './config-fault.ts';
import type { ConfigLine } from './config-line.ts';
import { parsePort } from './numbers.ts';

/** One host of a ProxyJump as written; null where nothing was said. */
export interface Jump {
  readonly user: string | null;
  readonly host: string;
  readonly port: number | null;
  /** As written. */
  readonly text: string;
}

/** The hosts of a ProxyJump line, first hop first; none for "none". Throws SSH_CONFIG_INVALID. */
export function parseJumps(text: string, line: Pick<ConfigLine, 'at' | 'keyword'>): readonly Jump[] {
  if (text.toLowerCase() === 'none') return [];
  if (/^[\w.-]+$/.test(text)) return [{ user: null, host: text, port: null, text }];
  return text
    .replace(/#.*$/s, '')
    .replace(/[ \t\r\n\f\v]+$/, '')
    .split(',')
    .map((hop) => {
      const jump = parseUri(hop) ?? parsePlain(hop);
      if (jump === null)
        throw lineFault(line, `has ${JSON.stringify(hop)}, which is no host; write [user@]host[:port]`);
      return { ...jump, text: hop };
    });
}

type Parsed = Omit<Jump, 'text'>;

/** `ssh://[user@]host[:port]` (draft-ietf-secsh-scp-sftp-ssh-uri); undefined for what is no such URI, null for a broken one. */
function parseUri(text: string): Parsed | null | undefined {
  if (!text.startsWith('ssh://')) return undefined;
  const match = /^ssh:\/\/(?:([^@]*)@)?(\[[^\]]*\]|[^:/]*)(?::([^/]*))?\/?$/s.exec(text);
  if (match === null) return null;
  const [, credentials, address = '', port] = match;
  const user = credentials === undefined ? null : decodeUser(credentials.replace(/;.*$/s, ''));
  const host = unbracket(address);
  if (user === undefined || !/^[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9._-]*$/.test(host)) return null;
  return finish(user, host, port);
}

function decodeUser(text: string): string | undefined {
  if (text === '' || /%(?![0-9A-Fa-f]{2})|%00/.test(text)) return undefined;
  const bytes = text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function parsePlain(text: string): Parsed | null {
  const at = text.lastIndexOf('@');
  if (at === 0) return null;
  const match = /^(\[[^\]]*\]|[^[:/][^:/]*)(?::(.*))?$/s.exec(text.slice(at + 1));
  return match === null ? null : finish(at < 0 ? null : text.slice(0, at), unbracket(match[1] ?? ''), match[2]);
}

function finish(user: string | null, host: string, text: string | undefined): Parsed | null {
  const port = text === undefined || text === '' ? null : parsePort(text);
  return text && !port ? null : { user, host, port };
}

function unbracket(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
