import { lineFault } from './config-fault.ts';
import { parsePort } from './numbers.ts';
import { part, type Reader, required } from './readers.ts';
import { expandTokens } from './tokens.ts';

/** A forward of ssh_config, as it is told apart from others and as `ssh -G` prints it; it plays no part in a relay. */
interface Forward {
  readonly listen: string;
  /** Null for SOCKS. */
  readonly target: string | null;
}

type Field = { readonly text: string; readonly isPath: boolean };

/** Reads LocalForward, RemoteForward and DynamicForward; `env` is what `${NAME}` stands for. */
export function forward(
  kind: 'local' | 'remote' | 'dynamic',
  env: Readonly<Record<string, string | undefined>>,
): Reader {
  return (line) => {
    const target = kind === 'dynamic' ? undefined : line.args[1];
    if (kind === 'local' && !target) throw lineFault(line, 'lacks its target; add it');
    const used = kind === 'dynamic' ? 1 : 2;
    if (line.args.length > used) throw lineFault(line, 'has an argument too many; quote it or remove it');
    const socks = kind === 'dynamic' || !target;
    const spec = target ? `${required(line, 0)}:${target}` : required(line, 0);
    const parsed = parseForward(expandTokens(spec, { letters: null, env }, line.at), socks, kind === 'remote');
    if (parsed === null)
      throw lineFault(line, `has ${JSON.stringify(spec)}, which is no forward; write PORT HOST:PORT`);
    if (kind === 'remote') return part('remoteforward', parsed.listen, parsed.target ?? '[socks]:0');
    // ssh keeps both kinds of this side in one list: a SOCKS forward is one without a target.
    return part('localforward', parsed.listen, ...(parsed.target === null ? [] : [parsed.target]));
  };
}

function parseForward(text: string, socks: boolean, remote: boolean): Forward | null {
  const fields = splitFields(text.replace(/^\s+/, ''));
  if (fields === null) return null;
  const [a, b, c, d] = fields;
  const path = (field: Field | undefined) => (field?.isPath === true ? field.text : null);
  const host = (name: Field, port: Field | undefined, least: number) => {
    const number = port === undefined ? null : parsePort(port.text);
    return number === null || number < least || name.text.length >= 1025 ? null : `[${name.text}]:${number}`;
  };
  const bare = (port: Field, least: number) => {
    const number = parsePort(port.text);
    return number === null || number < least ? null : String(number);
  };
  const least = remote ? 0 : 1;
  const both = (listen: string | null, target: string | null): Forward | null =>
    listen === null || target === null ? null : { listen, target };
  if (a === undefined) return null;
  if (socks) {
    if (b === undefined) return wrap(path(a) ?? bare(a, least));
    return c === undefined && path(a) === null && path(b) === null ? wrap(host(a, b, least)) : null;
  }
  if (b === undefined) return null;
  if (c === undefined) return path(b) === null ? null : both(path(a) ?? bare(a, least), path(b));
  if (d === undefined) {
    if (path(a) !== null) return both(path(a), host(b, c, 1));
    if (path(c) !== null) return both(host(a, b, least), path(c));
    return both(bare(a, least), host(b, c, 1));
  }
  return both(host(a, b, least), host(c, d, 1));
}

function wrap(listen: string | null): Forward | null {
  return listen === null ? null : { listen, target: null };
}

/** Up to four fields between colons: one in brackets is literal, a backslash escapes. */
function splitFields(text: string): readonly Field[] | null {
  const fields: Field[] = [];
  let rest = text;
  while (rest !== '' && fields.length < 4) {
    const bracketed = /^\[([^\]]*)\](:|$)/.exec(rest);
    if (bracketed !== null) {
      fields.push({ text: bracketed[1] ?? '', isPath: (bracketed[1] ?? '').includes('/') });
      rest = rest.slice(bracketed[0].length);
      continue;
    }
    if (rest.startsWith('[')) return null;
    const match = /^((?:\\[\s\S]|[^\\:])*)(:?)/.exec(rest);
    const raw = match?.[1] ?? '';
    if (match === null || match[0] === '') return null;
    // A slash that is escaped makes no path.
    fields.push({ text: raw.replace(/\\([\s\S])/g, '$1'), isPath: raw.replace(/\\[\s\S]/g, '').includes('/') });
    rest = rest.slice(match[0].length);
  }
  return rest === '' && fields.length > 0 ? fields : null;
}
