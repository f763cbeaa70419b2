import type { Client } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import { marks } from '../login/errors.ts';

/** The clients of a route, as a link has them. */
export interface Heeded {
  /** Authenticated with the last host. */
  readonly client: Client;
  /** What went wrong between the login and now. */
  readonly errors: readonly Error[];
  /** The hosts on the way. */
  readonly hops: readonly { readonly client: Client; readonly where: string }[];
  /** The last host, as faults name it. */
  readonly where: string;
}

/**
 * Tells the end of a connection, whichever host of the route brings it. ssh2 ends every channel cleanly when the connection goes, so
 * `lose` is called before that; it may be called more than once.
 */
export function heedEnd({ client, errors, hops, where }: Heeded, lose: (fault: Fault) => void): void {
  client.removeAllListeners('error');
  let said = '';
  const ended = () => {
    const why = said === '' ? 'closed by peer' : said;
    lose(new Fault('LINK_LOST', `the link to ${where} was lost (${why}); reconnecting`));
  };
  const failed = (error: Error) => {
    const { text, code, level } = marks(error);
    said = text;
    // A disconnect message (RFC 4253 section 11.1): the end of the connection may be late, or never come.
    if (typeof code === 'number') return ended();
    if (level === 'client-socket' || level === 'agent') return;
    lose(new Fault('INTEGRITY_FAILED', `data from ${where} failed its integrity check (${text}); reconnecting`));
  };
  client.on('error', failed);
  for (const error of errors) failed(error);
  client.once('end', ended);
  client.once('close', ended);
  for (const hop of hops) {
    const hopEnded = () => lose(new Fault('LINK_LOST', `the link to ${hop.where} was lost; reconnecting`));
    hop.client.once('end', hopEnded);
    hop.client.once('close', hopEnded);
  }
}
