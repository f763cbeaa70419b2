/** The address in which a match stands. */
export interface Place {
  /** Null: it cannot be read. Its text may hold the token, and is shown nowhere. */
  readonly host: string | null;
  readonly port: number;
}

/** What browsers and WebSocket clients open, up to a blank or a quotation mark. */
const address = /\b(?:https?|wss?):\/\/[^\s"'<>`]*/giu;

/** The address that surrounds a part of a text; null: it stands in none. One that cannot be read has no host that is ours. */
export function placeOf(text: string, from: number, to: number): Place | null {
  for (const match of text.matchAll(address)) {
    if (match.index > from || match.index + match[0].length < to) continue;
    try {
      const { hostname, port, protocol } = new URL(match[0]);
      const usual = protocol === 'https:' || protocol === 'wss:' ? 443 : 80;
      return { host: hostname, port: port === '' ? usual : Number(port) };
    } catch {
      return { host: null, port: 0 };
    }
  }
  return null;
}

/** Whether an address leads to the machine that printed it: by loopback, or by one of the names that are its own. */
export function isOwn({ host }: Place, names: readonly string[]): boolean {
  if (host === null) return false;
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  // An unspecified address is what it listens on: all of them, loopback's too.
  if (/^(?:localhost|::1?|0\.0\.0\.0|127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(name)) return true;
  return names.some((own) => own.toLowerCase() === name);
}

/** The host of `user@address:port`, an IPv6 address without its brackets. */
export function hostOf(remote: string): string {
  return remote.replace(/^.*@\[?/, '').replace(/\]?:\d+$/, '');
}
