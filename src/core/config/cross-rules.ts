import { normalize } from 'node:path';
import { type Endpoint, formatEndpoint, isLoopback } from '../model/endpoint.ts';
import { parseListen } from './endpoint-text.ts';
import { parseForward } from './forward-text.ts';
import { type Complaint, type ConfigPath, formatPath } from './problem.ts';
import { find, type SourceNode } from './source-node.ts';

/** One listener and where it is written. */
interface Listener {
  readonly listen: Endpoint;
  readonly path: ConfigPath;
  readonly at: number;
  readonly exposed: boolean;
}

/** What the schema cannot say, because it joins values that stand apart. Read from the tree: other problems do not hide these. */
export function checkAcross(root: SourceNode, text: string): readonly Complaint[] {
  const listeners = listenersOf(root);
  return [...exposures(listeners), ...collisions(listeners, text), ...standbys(root)];
}

function listenersOf(root: SourceNode): readonly Listener[] {
  const relays = find(root, ['relays']);
  if (relays?.kind !== 'map') return [];
  return relays.entries.flatMap(({ key, node }) => {
    const forwards = find(node, ['forwards']);
    if (forwards?.kind !== 'list') return [];
    return forwards.items.flatMap((item, index) => listenerOf(item, ['relays', key, 'forwards', index]));
  });
}

function listenerOf(node: SourceNode, path: ConfigPath): readonly Listener[] {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    const parsed = parseForward(node.value);
    return 'value' in parsed ? [{ listen: parsed.value.listen, path, at: node.at, exposed: false }] : [];
  }
  const written = find(node, ['listen']);
  if (written?.kind !== 'scalar') return [];
  const { value } = written;
  const parsed = typeof value === 'string' || typeof value === 'number' ? parseListen(value) : null;
  if (parsed === null || 'trouble' in parsed) return [];
  const expose = find(node, ['expose']);
  const exposed = expose?.kind === 'scalar' && expose.value === true;
  return [{ listen: parsed.value, path: [...path, 'listen'], at: written.at, exposed }];
}

function exposures(listeners: readonly Listener[]): readonly Complaint[] {
  return listeners.flatMap(({ listen, path, at, exposed }) => {
    if (listen.kind === 'unix' || exposed || isLoopback(listen.host)) return [];
    const message = `other machines could connect to ${formatEndpoint(listen)}`;
    const expected = 'a loopback address such as 127.0.0.1, or "expose": true beside "listen" and "target"';
    return [{ at, path, message, expected }];
  });
}

/** Pairs are few: only listeners of one port, or of one socket path, are compared. */
function collisions(listeners: readonly Listener[], text: string): readonly Complaint[] {
  const places = new Map<string, Listener[]>();
  return listeners.flatMap((listener) => {
    const { listen, path, at } = listener;
    if (listen.kind === 'tcp' && listen.port === 0) return [];
    const place = listen.kind === 'tcp' ? String(listen.port) : normalize(listen.path);
    const rivals = places.get(place) ?? [];
    const rival = rivals.find((other) => overlap(other.listen, listen));
    if (rival === undefined) {
      places.set(place, [...rivals, listener]);
      return [];
    }
    const line = text.slice(0, rival.at).split('\n').length;
    const message = `${formatEndpoint(listen)} is taken by ${formatPath(rival.path)} in line ${line}`;
    return [{ at, path, message, expected: 'another port or address: one address serves one forward' }];
  });
}

function overlap(one: Endpoint, other: Endpoint): boolean {
  if (one.kind === 'unix' || other.kind === 'unix') return one.kind === other.kind;
  if (one.host === other.host) return true;
  // A socket on :: takes IPv4 as well, unless it is told not to.
  if (one.host === '::' || other.host === '::') return true;
  const sameFamily = one.host.includes(':') === other.host.includes(':');
  return sameFamily && (one.host === '0.0.0.0' || other.host === '0.0.0.0');
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
