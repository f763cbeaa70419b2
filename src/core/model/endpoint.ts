/** A parsed address: a TCP host and port, or the path of a Unix socket. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Where a forward leads: an address, or wherever the backend of the relay listens. */
export type Target = Endpoint | { readonly kind: 'backend' };

/** Writes a target as a user would: an endpoint, or `backend`. */
export function formatTarget(target: Target): string {
  return target.kind === 'backend' ? 'backend' : formatEndpoint(target);
}

/** The ends of a forward, of which each kind has its own. */
export type ForwardEnds =
  | { readonly kind: 'local'; readonly listen: Endpoint; readonly target: Target }
  | { readonly kind: 'remote'; readonly listen: Endpoint; readonly target: Endpoint }
  | { readonly kind: 'dynamic'; readonly listen: Endpoint; readonly target: null };

/** Listen here and dial there, the other way round, or as each client says. */
export type ForwardKind = ForwardEnds['kind'];

/** The ends of a forward of any kind: `target` is null where each client names its own (`dynamic`). */
export interface Ends {
  readonly kind: ForwardKind;
  readonly listen: Endpoint;
  readonly target: Target | null;
}

/** Writes what a forward joins, the end where clients connect first: `127.0.0.1:8787 -> backend`. */
export function formatEnds({ kind, listen, target }: Ends): string {
  const from = formatEndpoint(listen);
  if (target === null) return `${from} -> SOCKS`;
  const to = formatTarget(target);
  return kind === 'remote' ? `remote ${from} -> here ${to}` : `${from} -> ${to}`;
}

/** Writes an endpoint as a user would: `127.0.0.1:8787`, `[::1]:8787`, `unix:/run/x.sock`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  return formatAddress({ hostName: endpoint.host, port: endpoint.port });
}

/** Writes where a host is as ssh takes it, IPv6 in brackets: `10.0.0.5:22`, `me@[fe80::1]:22`. */
export function formatAddress({ user, hostName, port }: Address): string {
  return `${user === undefined ? '' : `${user}@`}${hostName.includes(':') ? `[${hostName}]` : hostName}:${port}`;
}

/** A host and its SSH port, with who logs in there if that is to be told. */
export interface Address {
  readonly user?: string;
  readonly hostName: string;
  readonly port: number;
}

/** Reads `host:port`, `[v6]:port`, a bare port (127.0.0.1) or `unix:/path`. Null when it is none of these. */
export function parseEndpoint(text: string): Endpoint | null {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return path.startsWith('/') && !path.includes('\0') ? { kind: 'unix', path } : null;
  }
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):)?(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  if (port > 65_535) return null;
  return { kind: 'tcp', host: match[1] ?? match[2] ?? '127.0.0.1', port };
}

export function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return formatEndpoint(one) === formatEndpoint(other);
}

/** True for an address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || host === '::1' || host === 'localhost';
}
