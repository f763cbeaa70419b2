import type { IncomingMessage } from 'node:http';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';

const hosts: readonly string[] = ['towline', 'localhost'];

/** Largest request body, bytes; answers to questions are far smaller. */
const bodyLimit = 1024 * 1024;

/** A refusal, and the HTTP status that says it best. */
export interface Refusal {
  readonly status: number;
  readonly fault: Fault;
}

/**
 * Looks at a request before any route does. The socket is 0600 in a 0700 folder; this is the second wall, for the day
 * when something proxies a browser to it: a page always sends its Origin, and a rebound name shows in Host.
 */
export function refuse({ headers, rawHeaders }: IncomingMessage): Refusal | null {
  const named = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  if (named !== 1 || !hosts.includes(headers.host ?? '')) {
    return forbidden(`unexpected Host "${printable(headers.host ?? '')}"; it must be ${hosts.join(' or ')}, once`);
  }
  if (headers.origin !== undefined) {
    return forbidden(`a request with an Origin ("${printable(headers.origin)}") is refused; use the towline command`);
  }
  if (headers['sec-fetch-site'] !== undefined) return forbidden('a web page may not call; use the towline command');
  if (headers['transfer-encoding'] !== undefined) {
    return { status: 411, fault: new Fault('USAGE', 'a body without Content-Length is refused; send none') };
  }
  if (Number(headers['content-length'] ?? 0) > bodyLimit) {
    const fault = new Fault(
      'USAGE',
      `a body of ${headers['content-length']} bytes is refused (> ${bodyLimit}); send none`,
    );
    return { status: 413, fault };
  }
  return null;
}

function forbidden(message: string): Refusal {
  return { status: 403, fault: new Fault('REQUEST_FORBIDDEN', message) };
}
