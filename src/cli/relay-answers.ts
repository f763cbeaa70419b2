import type { OpenConfig } from '../core/config/edit/open-config.ts';
import { parseListen, parseTarget } from '../core/config/endpoint-text.ts';
import { parseForward } from '../core/config/forward-text.ts';
import { parseHost } from '../core/config/host-text.ts';
import { parseName } from '../core/config/name-rules.ts';
import { type Parsed, quote } from '../core/config/problem.ts';
import { listensHere } from '../core/model/config.ts';
import { type Endpoint, formatEndpoint, isLoopback } from '../core/model/endpoint.ts';

/** Reads the name of a relay that is to be new in a config. */
export function readNewName(text: string, { file, lines }: OpenConfig): Parsed<string> {
  const parsed = parseName(text);
  if ('trouble' in parsed) return parsed;
  const line = lines.get(text);
  if (line === undefined) return parsed;
  return {
    trouble: {
      message: `${file}:${line} has a relay ${quote(text)} already`,
      expected: `another name, such as ${freeName(text, lines)}`,
    },
  };
}

/** The same name with the next number that is free. */
function freeName(name: string, lines: OpenConfig['lines']): string {
  const [, stem = name, last = '1'] = /^(.*?)-(\d{1,6})$/.exec(name) ?? [];
  for (let number = Number(last) + 1; ; number += 1) {
    const end = `-${number}`;
    const free = `${stem.slice(0, 64 - end.length)}${end}`;
    if (!lines.has(free)) return free;
  }
}

export { parseHost as readHost };

/** Reads a port of the remote host. */
export function readPort(text: string): Parsed<number> {
  const none = { trouble: { message: `${quote(text)} is not a port`, expected: 'a port from 1 to 65535' } };
  if (!/^\d+$/.test(text)) return none;
  const parsed = parseTarget(text);
  if ('trouble' in parsed) return parsed;
  return parsed.value.kind === 'tcp' ? { value: parsed.value.port } : none;
}

/** Reads where clients are to connect on this machine. */
export function readListen(text: string, { config }: OpenConfig): Parsed<Endpoint> {
  const parsed = parseListen(text);
  if ('trouble' in parsed) return parsed;
  const listen = parsed.value;
  const shown = formatEndpoint(listen);
  if (listen.kind === 'tcp' && !isLoopback(listen.host)) {
    const expected =
      'a loopback address such as 127.0.0.1; one that is to be reached by others is written into the file by hand';
    return { trouble: { message: `other machines could connect to ${shown}`, expected } };
  }
  const rival = ownerOf(listen, config);
  if (rival !== null) {
    return { trouble: { message: `${shown} is taken by relay ${quote(rival)}`, expected: 'another port or address' } };
  }
  return 'trouble' in parseForward(`${listenText(listen)}:127.0.0.1:1`)
    ? { trouble: { message: `${quote(shown)} cannot be written in the short form`, expected: 'a path without ":"' } }
    : parsed;
}

/** The relay that listens there already; null for a free place and for port 0, which is nobody's. */
export function ownerOf(listen: Endpoint, config: OpenConfig['config']): string | null {
  if (listen.kind === 'tcp' && listen.port === 0) return null;
  const shown = formatEndpoint(listen);
  const owner = config?.relays.find(({ forwards }) =>
    forwards.some((forward) => listensHere(forward) && formatEndpoint(forward.listen) === shown),
  );
  return owner?.name ?? null;
}

/** A forward to a port of the remote host itself, in the short form of the config. */
export function forwardText(listen: Endpoint, port: number): string {
  const here = listenText(listen);
  return here === String(port) ? here : `${here}:127.0.0.1:${port}`;
}

/** A listening end in the short form: a bare port where it is on 127.0.0.1. */
export function listenText(listen: Endpoint): string {
  return listen.kind === 'tcp' && listen.host === '127.0.0.1' ? String(listen.port) : formatEndpoint(listen);
}
