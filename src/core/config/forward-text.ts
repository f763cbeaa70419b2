import type { Endpoint, Target } from '../model/endpoint.ts';
import { parseListen, parseTarget } from './endpoint-text.ts';
import { type Parsed, quote } from './problem.ts';

/** Both ends of a forward. */
export interface Ends {
  readonly listen: Endpoint;
  readonly target: Target;
}

const forms = '"5432", "8080:10.0.0.5:80", "127.0.0.1:8080:db:5432", or unix:/path at either end';

/** A listening end, a colon, and a target end; `ssh -L` reads the same. A Unix path before the colon has no colon itself. */
const both = /^(unix:\/[^:]*|\d+|(?:\[[^\]]*\]|[^:[\]]*):\d+):(backend|unix:\/.*|(?:\[[^\]]*\]|[^:[\]]+):\d+)$/s;

/** Reads the short form of a forward. */
export function parseForward(text: string): Parsed<Ends> {
  const unclear = { trouble: { message: `${quote(text)} is not a forward`, expected: forms } };
  if (text.length > 1024) return unclear;
  if (/^\d+$/.test(text)) return join(text, text);
  const pair = /^(\d+):(\d+)$/.exec(text);
  if (pair !== null) {
    const expected = `the target's host as well, such as "${pair[1]}:127.0.0.1:${pair[2]}"`;
    return { trouble: { message: `${quote(text)} names no host to dial`, expected } };
  }
  const match = both.exec(text);
  return match?.[1] === undefined || match[2] === undefined ? unclear : join(match[1], match[2]);
}

function join(before: string, after: string): Parsed<Ends> {
  const listen = parseListen(before);
  if ('trouble' in listen) return listen;
  const target = parseTarget(after);
  return 'trouble' in target ? target : { value: { listen: listen.value, target: target.value } };
}
