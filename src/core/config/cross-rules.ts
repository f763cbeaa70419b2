import { normalize } from 'node:path';
import { type Endpoint, formatEndpoint, isLoopback } from '../model/endpoint.ts';
import { checkBackends } from './backend-rules.ts';
import { parseListen } from './endpoint-text.ts';
import { parseForward } from './forward-text.ts';
import type { Locator } from './lines.ts';
import { type Complaint, type ConfigPath, formatPath } from './problem.ts';
import { find, type SourceNode } from './source-node.ts';

/** One listener and where it is written. */
interface Written {
  readonly listen: Endpoint;
  readonly path: ConfigPath;
  readonly at: number;
  readonly exposed: boolean;
  /** The host that listens; null: this machine. */
  readonly on: string | null;
}

/** What the schema cannot say, because it joins values that stand apart. Read from the tree: other problems do not hide these. */
export function checkAcross(root: SourceNode, where: Locator): readonly Complaint[] {
  const listeners = listenersOf(root);
  return [...exposures(listeners), ...collisions(listeners, where), ...standbys(root), ...checkBackends(root)];
}

function listenersOf(root: SourceNode): readonly Written[] {
  const relays = find(root, ['relays']);
  if (relays?.kind !== 'map') return [];
  return relays.entries.flatMap(({ key, node }) => {
    const forwards = find(node, ['forwards']);
    if (forwards?.kind !== 'list') return [];
    const host = find(node, ['host']);
    const there = host?.kind === 'scalar' ? String(host.value) : '';
    return forwards.items.flatMap((item, index) => listenerOf(item, ['relays', key, 'forwards', index], there));
  });
}

function listenerOf(node: SourceNode, path: ConfigPath, host: string): readonly Written[] {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    const parsed = parseForward(node.value);
    if ('trouble' in parsed) return [];
    const { kind, listen } = parsed.value;
    return [{ listen, path, at: node.at, exposed: false, on: kind === 'remote' ? host : null }];
  }
  const written = find(node, ['listen']);
  if (written?.kind !== 'scalar') return [];
  const { value } = written;
  const parsed = typeof value === 'string' || typeof value === 'number' ? parseListen(value) : null;
  if (parsed === null || 'trouble' in parsed) return [];
  const expose = find(node, ['expose']);
  const exposed = expose?.kind === 'scalar' && expose.value === true;
  const kind = find(node, ['kind']);
  const on = kind?.kind === 'scalar' && kind.value === 'remote' ? host : null;
  return [{ listen: parsed.value, path: [...path, 'listen'], at: written.at, exposed, on }];
}

function exposures(listeners: readonly Written[]): readonly Complaint[] {
  return listeners.flatMap(({ listen, path, at, exposed }) => {
    if (listen.kind === 'unix' || exposed || isLoopback(listen.host)) return [];
    const message = `other machines could connect to ${formatEndpoint(listen)}`;
    const expected = 'a loopback address such as 127.0.0.1, or "expose": true beside "listen" and "target"';
    return [{ at, path, message, expected }];
  });
}

function collisions(listeners: readonly Written[], where: Locator): readonly Complaint[] {
  const places = new Map<string, Written>();
  return listeners.flatMap((listener) => {
    const { listen, path, at } = listener;
    if (listen.kind === 'tcp' && listen.port === 0) return [];
    const there = listener.on === null ? '' : `on ${listener.on}: `;
    const rival = rivalsOf(listen).flatMap((place) => places.get(there + place) ?? [])[0];
    for (const place of placesOf(listen)) if (!places.has(there + place)) places.set(there + place, listener);
    if (rival === undefined) return [];
    const { line } = where(rival.at);
    const message = `${formatEndpoint(listen)} is taken by ${formatPath(rival.path)} in line ${line}`;
    return [{ at, path, message, expected: 'another port or address: one address serves one forward' }];
  });
}

/** What a listener takes: its address, and a place in each family that a later wildcard would want. */
function placesOf(listen: Endpoint): readonly string[] {
  if (listen.kind === 'unix') return [normalize(listen.path)];
  const { port } = listen;
  return hostsOf(listen.host).flatMap((host) => [`${host} ${port}`, `any ${familyOf(host)} ${port}`]);
}

/** `localhost` is bound on both of its addresses. */
function hostsOf(host: string): readonly string[] {
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
}

/** What must be free for it. A socket on :: takes IPv4 as well, unless it is told not to. */
function rivalsOf(listen: Endpoint): readonly string[] {
  if (listen.kind === 'unix') return [normalize(listen.path)];
  const { host, port } = listen;
  if (host === '::') return [`any 4 ${port}`, `any 6 ${port}`];
  if (host === '0.0.0.0') return [`any 4 ${port}`, `:: ${port}`];
  return hostsOf(host).flatMap((one) => [
    `${one} ${port}`,
    `:: ${port}`,
    ...(familyOf(one) === 4 ? [`0.0.0.0 ${port}`] : []),
  ]);
}

function familyOf(host: string): 4 | 6 {
  return host.includes(':') ? 6 : 4;
}

/** A standby link of a shared worker would be shared too: it would stand by nothing. */
function standbys(root: SourceNode): readonly Complaint[] {
  const relays = find(root, ['relays']);
  if (relays?.kind !== 'map') return [];
  return relays.entries.flatMap(({ key, node }) => {
    const lanes = find(node, ['lanes']) ?? find(root, ['defaults', 'lanes']);
    const isolation = find(node, ['isolation']) ?? find(root, ['defaults', 'isolation']);
    if (lanes?.kind !== 'scalar' || isolation?.kind !== 'scalar') return [];
    if (lanes.value !== 2 || isolation.value !== 'shared') return [];
    const message = '2 lanes cannot share one link: isolation is "shared"';
    return [{ at: lanes.at, path: ['relays', key, 'lanes'], message, expected: '1 lane, or isolation "relay"' }];
  });
}
