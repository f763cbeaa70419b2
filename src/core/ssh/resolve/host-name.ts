import { isIPv6 } from 'node:net';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';

/** What a user wrote to name a host, taken apart; null where nothing was said. */
export interface HostSpec {
  readonly user: string | null;
  readonly host: string;
  readonly port: number | null;
}

// Allow-lists, not block-lists: OpenSSH had to lengthen its list of forbidden characters four times.
const hostAllowed = /^[\p{L}\p{N}_][\p{L}\p{N}._+%-]{0,254}$/u;
const zonedAddress = /^([0-9A-Fa-f:.]+)%[A-Za-z0-9._-]{1,32}$/;
// A backslash parts a Windows domain from its user; at the end OpenSSH refuses it too.
const userAllowed = /^[\p{L}\p{N}_][\p{L}\p{N}._@%+=:/~^#\\-]{0,254}(?<!\\)$/u;

/** Reads `[user@]host[:port]` or `ssh://[user@]host[:port]`, IPv6 in brackets where a port follows. Throws HOST_INVALID. */
export function parseHostSpec(text: string): HostSpec {
  const uri = /^ssh:\/\//i.test(text);
  const rest = uri ? text.slice('ssh://'.length).replace(/\/$/, '') : text;
  const at = rest.lastIndexOf('@');
  const user = at < 0 ? null : uri ? decode(rest.slice(0, at), text) : rest.slice(0, at);
  if (user !== null) checkUser(user);
  const { host, port } = splitPort(rest.slice(at + 1), text);
  checkHost(host);
  return { user, host, port };
}

/** Throws HOST_INVALID for a host name or address with a character that must not reach ssh. `from` says who wrote it. */
export function checkHost(host: string, from = ''): void {
  if (isAddress(host) || hostAllowed.test(host)) return;
  throw new Fault('HOST_INVALID', `${from}host ${quote(host)} ${objection(host, /[\p{L}\p{N}._+%-]/u)}`);
}

/** Throws HOST_INVALID for a user name with a character that must not reach ssh. `from` says who wrote it. */
export function checkUser(user: string, from = ''): void {
  if (userAllowed.test(user)) return;
  throw new Fault('HOST_INVALID', `${from}user ${quote(user)} ${objection(user, /[\p{L}\p{N}._@%+=:/~^#\\-]/u)}`);
}

/** What a user's name may have elsewhere, but some shell takes for its own. */
const shellUnsafe = /[~^#=\\]/;

/** As checkUser(), for a command of ProxyCommand or Match exec: more strictly where its text has `%r`, so that a shell sees the name. */
export function checkShellUser(user: string, command: string, from: string): void {
  checkUser(user, from);
  if (!command.includes('%r') || !shellUnsafe.test(user)) return;
  throw new Fault(
    'HOST_INVALID',
    `${from}user ${quote(user)} has a character that a shell may take for its own; correct it`,
  );
}

function isAddress(host: string): boolean {
  return host.includes(':') && (isIPv6(host) || isIPv6(zonedAddress.exec(host)?.[1] ?? ''));
}

function splitPort(text: string, whole: string): { host: string; port: number | null } {
  if (isAddress(text)) return { host: text, port: null };
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const host = bracketed[1] ?? '';
    if (!isAddress(host))
      throw new Fault('HOST_INVALID', `host ${quote(host)} is no IPv6 address; write [::1] or a name`);
    return { host, port: bracketed[2] === undefined ? null : readPort(bracketed[2], whole) };
  }
  if (text.startsWith('['))
    throw new Fault('HOST_INVALID', `address ${quote(whole)} lacks its closing bracket; write [::1]`);
  const colon = text.indexOf(':');
  if (colon < 0) return { host: text, port: null };
  return { host: text.slice(0, colon), port: readPort(text.slice(colon + 1), whole) };
}

function readPort(text: string, whole: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new Fault('HOST_INVALID', `port ${quote(text)} of ${quote(whole)} is no number; write 1 to 65535`);
}

function decode(user: string, whole: string): string {
  try {
    return decodeURIComponent(user);
  } catch (cause) {
    throw new Fault('HOST_INVALID', `user of ${quote(whole)} has a broken %-escape; write the name plainly`, { cause });
  }
}

function objection(text: string, allowed: RegExp): string {
  if (text === '') return 'is empty; name one';
  if (text.startsWith('-')) return "must not start with '-'; correct it";
  const bad = [...text].find((character) => !allowed.test(character));
  if (bad !== undefined) return `has the character ${quote(bad)}, which is not allowed; correct it`;
  if (text.endsWith('\\')) return 'must not end with a backslash; correct it';
  if (text.length > 255) return 'is longer than 255 characters; shorten it';
  return 'does not start with a letter or digit; correct it';
}

/** Quotes foreign text for a message. */
function quote(text: string): string {
  return `"${printable(text.length > 80 ? `${text.slice(0, 80)}...` : text)}"`;
}
