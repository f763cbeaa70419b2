import type { Client } from 'ssh2';
import { channelFacts, interceptMessages } from '../internals.ts';

const slack = 64 * 1024;
/** So many requests of a server that does not read our answers are too many: they would fill the memory. */
const mostUnread = 10_000;

/**
 * Watches that a server keeps to what it was allowed, which ssh2 does not: `breach` is called with what it did when it sends 64
 * KiB more than its window (RFC 4254 section 5.2; at exactly 0 ssh2 would drop the bytes without a word), text on the error
 * stream of a forwarded connection, or requests by the thousand while it takes no answers.
 */
export function policeServer(client: Client, backlog: () => number, breach: (what: string) => void): void {
  const before = (name: string, check: (recipient: unknown, data: unknown) => string | null) => {
    interceptMessages(client, name, (recipient, data) => {
      const what = check(recipient, data);
      if (what !== null) breach(what);
      return what !== null;
    });
  };
  const overrun = (recipient: unknown, data: unknown): string | null => {
    const channel = channelFacts(client, recipient);
    if (channel === null || !Buffer.isBuffer(data)) return null;
    const { window } = channel;
    return window === 0 || data.length > window + slack ? 'sent more data than it was allowed (SSH window)' : null;
  };
  before('CHANNEL_DATA', overrun);
  before('CHANNEL_EXTENDED_DATA', (recipient, data) => {
    const type = channelFacts(client, recipient)?.type ?? 'session';
    return type === 'session' ? overrun(recipient, data) : 'sent error text on a forwarded connection';
  });
  let unread = 0;
  const request = (): string | null => {
    unread = backlog() > slack ? unread + 1 : 0;
    return unread > mostUnread ? 'asks again and again and takes no answer' : null;
  };
  for (const name of ['GLOBAL_REQUEST', 'CHANNEL_OPEN', 'CHANNEL_REQUEST']) before(name, request);
}
