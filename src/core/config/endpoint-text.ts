import { isIPv4, isIPv6 } from 'node:net';
import { type Endpoint, parseEndpoint, type Target } from '../model/endpoint.ts';
import { type Parsed, quote, type Trouble } from './problem.ts';

const forms = 'a port, an address and port (127.0.0.1:8080, [::1]:8080), or unix:/path';

/** Longest path of a Unix socket on Linux, in bytes. */
const longest = 107;

/** Reads where a forward listens. Names are not looked up: what is bound must be readable in the file. */
export function parseListen(written: string | number): Parsed<Endpoint> {
  const parsed = parse(written, 0, 'listen on');
  if ('trouble' in parsed || parsed.value.kind === 'unix') return parsed;
  const { host, port } = parsed.value;
  // It stands for both loopback addresses, and both are bound.
  if (host === 'localhost' || isIPv4(host)) return parsed;
  if (isIPv6(host)) return { value: { kind: 'tcp', host: canonical(host), port } };
  return refuse(`${quote(host)} is a name, and a forward listens on an address`, forms);
}

/** Reads what a forward dials from the remote host. */
export function parseTarget(written: string | number): Parsed<Target> {
  if (written === 'backend') return { value: { kind: 'backend' } };
  const parsed = parse(written, 1, 'dial');
  if ('trouble' in parsed || parsed.value.kind === 'unix') return parsed;
  const { host } = parsed.value;
  const numeric = /^[\d.]+$/.test(host) && !isIPv4(host);
  if (numeric || host.startsWith('-') || host.length > 253 || (host.includes(':') && !isIPv6(host))) {
    return refuse(`${quote(host)} is not a host name or address`, 'host:port, such as 127.0.0.1:80, or unix:/path');
  }
  return parsed;
}

/** Reads what a remote forward dials from this machine. */
export function parseHere(written: string | number): Parsed<Endpoint> {
  const parsed = parseTarget(written);
  if ('trouble' in parsed) return parsed;
  const { value } = parsed;
  if (value.kind !== 'backend') return { value };
  const message = 'a remote forward leads to this machine, and the backend is on the other';
  return refuse(message, 'host:port or a port of this machine, or unix:/path');
}

function refuse(message: string, expected: string): { readonly trouble: Trouble } {
  return { trouble: { message, expected } };
}

function parse(written: string | number, least: number, verb: string): Parsed<Endpoint> {
  const text = String(written);
  const range = `a port from ${least} to 65535`;
  if (typeof written === 'number' && !(Number.isInteger(written) && written >= 0)) {
    return refuse(`${text} is not a port`, range);
  }
  const port = /^(?:[^:]*:|\[[^\]]*\]:)?(\d+)$/.exec(text)?.[1];
  if (port !== undefined && (Number(port) > 65_535 || Number(port) < least)) {
    return refuse(`port ${port.slice(0, 20)} is out of range`, range);
  }
  if (port !== undefined && port.length > 1 && port.startsWith('0'))
    return refuse(`${quote(port)} is not a port`, range);
  const value = parseEndpoint(text);
  const path = /^unix:([^/].*)$/s.exec(text)?.[1];
  if (path !== undefined)
    return refuse(`the socket path ${quote(path)} is not absolute`, 'unix:/path, a path that begins with /');
  if (value === null) return refuse(`${quote(text)} is nothing to ${verb}`, forms);
  if (value.kind === 'unix') return parsePath(value.path);
  return { value };
}

function parsePath(path: string): Parsed<Endpoint> {
  const bytes = Buffer.byteLength(path);
  if (bytes > longest) {
    return refuse(`the socket path is ${bytes} bytes long`, `at most ${longest} bytes, the limit of the system`);
  }
  if (/\p{Cc}/u.test(path)) return refuse('a control character stands in the socket path', 'unix:/path');
  return path.endsWith('/') ? refuse(`${quote(path)} is a folder`, 'unix:/path') : { value: { kind: 'unix', path } };
}

function canonical(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
