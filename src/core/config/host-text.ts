import { isIPv6 } from 'node:net';
import { type Parsed, quote, type Trouble } from './problem.ts';

const expected = '[user@]host[:port] or an alias of ssh_config: letters, digits and . _ -, not beginning with -';

/** Before the backslash stands a Windows domain. */
const userAllowed = /^(?:[A-Za-z0-9._-]+\\)?[A-Za-z0-9._-]+$/;

/**
 * Checks what a user wrote as a host, also as `ssh://[user@]host[:port]`, and answers it as it is. An allow-list: the name reaches
 * ssh_config's tokens, and through them a shell.
 */
export function parseHost(text: string): Parsed<string> {
  const masked = maskPassword(text);
  if (masked !== null) return { trouble: { message: `a password stands in ${quote(masked)}`, expected: noPassword } };
  const bare = text.replace(/^ssh:\/\/(.*?)\/?$/is, '$1');
  const checked = checkHost(bare);
  return 'trouble' in checked ? checked : { value: text };
}

/** What is meant, where somebody wrote a password into a host. */
export const noPassword =
  '[user@]host[:port] without it: `towline unlock` asks for passwords, and no file has to hold one';

/** The host with its password made unreadable; null where none stands in it. */
export function maskPassword(text: string): string | null {
  const scheme = /^[a-z]+:\/\//i.exec(text)?.[0] ?? '';
  const [, user, rest] = /^(.*?)(?::|%3a).*@(.*)$/is.exec(text.slice(scheme.length)) ?? [];
  return user === undefined || rest === undefined ? null : `${scheme}${user}:***@${rest}`;
}

function checkHost(text: string): Parsed<string> {
  const refuse = (message: string): { trouble: Trouble } => ({ trouble: { message, expected } });
  if (text === '') return refuse('the host is empty');
  if (text.length > 320) return refuse(`the host is ${text.length} characters long`);
  const parts = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(isIPv6(text) ? `[${text}]` : text);
  for (const part of text.split('@')) {
    if (part.startsWith('-')) return refuse(`${quote(part)} begins with "-", as an option of ssh would`);
  }
  // A backslash belongs to a user's name; elsewhere it is as strange as any other.
  const strange = /[^A-Za-z0-9._@:[\]-]/u.exec(text.replace(/^([A-Za-z0-9._-]+)\\(?=[^@\\]*@)/, '$1'))?.[0];
  if (strange !== undefined) return refuse(`${nameOf(strange)} is not allowed in a host (${quote(text)})`);
  if (parts === null) return refuse(`${quote(text)} is not a host`);
  const [, user, host = '', port] = parts;
  for (const [noun, part] of [
    ['user', user],
    ['host', host],
  ] as const) {
    if (part === '') return refuse(`the ${noun} in ${quote(text)} is empty`);
  }
  if (user !== undefined && !userAllowed.test(user)) return refuse(`${quote(user)} is not a user name`);
  const bracketed = host.startsWith('[');
  if (bracketed ? !isIPv6(host.slice(1, -1)) : !/^[A-Za-z0-9._-]+$/.test(host)) {
    return refuse(`${quote(host)} is not a host name or address`);
  }
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)) {
    return { trouble: { message: `${quote(port)} is not a port`, expected: 'a port from 1 to 65535' } };
  }
  return { value: text };
}

function nameOf(char: string): string {
  if (char === ' ') return 'a space';
  return /\p{Cc}/u.test(char) ? 'a control character' : `the character ${quote(char)}`;
}
