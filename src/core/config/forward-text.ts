import type { Endpoint, ForwardEnds } from '../model/endpoint.ts';
import { parseHere, parseListen, parseTarget } from './endpoint-text.ts';
import { type Parsed, quote } from './problem.ts';

const forms =
  '"5432", "8080:10.0.0.5:80", "127.0.0.1:8080:db:5432", "remote:9000:127.0.0.1:3000", "dynamic:1080", or unix:/path at either end';

/** A listening end, a colon, and a target end; `ssh -L` reads the same. A Unix path before the colon has no colon itself. */
const both = /^(unix:[^:]*|\d+|(?:\[[^\]]*\]|[^:[\]]*):\d+):(backend|unix:.*|(?:\[[^\]]*\]|[^:[\]]+):\d+)$/s;

/** Reads the short form of a forward: `ssh -L`'s, `remote:` and `ssh -R`'s, `dynamic:` and `ssh -D`'s. */
export function parseForward(text: string): Parsed<ForwardEnds> {
  if (text.length > 1024) return unclear(text);
  const kind = /^(remote|dynamic|local):(.*)$/s.exec(text);
  const rest = kind?.[2] ?? text;
  switch (kind?.[1]) {
    case 'dynamic': {
      const listen = parseListen(rest);
      return 'trouble' in listen ? listen : { value: { kind: 'dynamic', listen: listen.value, target: null } };
    }
    case 'remote':
      return parsePair(rest, text, parseHere, (listen, target) => ({ kind: 'remote', listen, target }));
    default:
      return parsePair(rest, text, parseTarget, (listen, target) => ({ kind: 'local', listen, target }));
  }
}

function unclear(text: string): Parsed<ForwardEnds> {
  return { trouble: { message: `${quote(text)} is not a forward`, expected: forms } };
}

function parsePair<To>(
  text: string,
  whole: string,
  parseTo: (text: string) => Parsed<To>,
  join: (listen: Endpoint, target: To) => ForwardEnds,
): Parsed<ForwardEnds> {
  const match = /^\d+$/.test(text) ? [text, text, text] : both.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    const pair = /^(\d+):(\d+)$/.exec(text);
    if (pair === null) return unclear(whole);
    const form = whole.slice(0, -text.length);
    const expected = `the target's host as well, such as "${form}${pair[1]}:127.0.0.1:${pair[2]}"`;
    return { trouble: { message: `${quote(whole)} names no host to dial`, expected } };
  }
  const listen = parseListen(match[1]);
  if ('trouble' in listen) return listen;
  const target = parseTo(match[2]);
  return 'trouble' in target ? target : { value: join(listen.value, target.value) };
}
