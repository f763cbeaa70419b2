import { parseTarget } from './endpoint-text.ts';
import { parseForward } from './forward-text.ts';
import type { Target } from '../model/endpoint.ts';
import type { Complaint, ConfigPath } from './problem.ts';
import { find, type SourceNode } from './source-node.ts';

/** What must hold between a relay's forwards and the plugin that launches its backend. */
export function checkBackends(root: SourceNode): readonly Complaint[] {
  const relays = find(root, ['relays']);
  if (relays?.kind !== 'map') return [];
  return relays.entries.flatMap(({ key, node }) => {
    const path = ['relays', key];
    const plugins = find(node, ['plugins']);
    const uses = plugins?.kind === 'list' ? plugins.items : [];
    const targets = targetsOf(node, path);
    const launch = uses.findIndex((use) => nameOf(use) === 'launch');
    const found = uses[launch];
    if (found === undefined) return launcherMissing(targets, uses);
    const at = [...path, 'plugins', launch];
    return [...unreached(targets, found, at), ...standbys(root, node, found, at), ...cutShort(found, at)];
  });
}

interface WrittenTarget {
  readonly target: Target;
  readonly path: ConfigPath;
  readonly at: number;
}

function targetsOf(relay: SourceNode, path: ConfigPath): readonly WrittenTarget[] {
  const forwards = find(relay, ['forwards']);
  if (forwards?.kind !== 'list') return [];
  return forwards.items.flatMap((item, index): readonly WrittenTarget[] => {
    const place = [...path, 'forwards', index];
    if (item.kind === 'scalar') {
      const parsed = typeof item.value === 'string' ? parseForward(item.value) : null;
      if (parsed === null || 'trouble' in parsed || parsed.value.kind !== 'local') return [];
      return [{ target: parsed.value.target, path: place, at: item.at }];
    }
    const kind = find(item, ['kind']);
    if (kind?.kind === 'scalar' && kind.value !== 'local') return [];
    const written = find(item, ['target']);
    const value = written?.kind === 'scalar' ? written.value : null;
    if (written === undefined || (typeof value !== 'string' && typeof value !== 'number')) return [];
    const parsed = parseTarget(value);
    return 'value' in parsed ? [{ target: parsed.value, path: [...place, 'target'], at: written.at }] : [];
  });
}

function nameOf(use: SourceNode): string | null {
  const written = use.kind === 'scalar' ? use : find(use, ['use']);
  return written?.kind === 'scalar' && typeof written.value === 'string' ? written.value : null;
}

/** The built-in plugins that launch nothing: any other one may, whatever its name is. */
export const launchNothing: readonly string[] = ['same-user', 'agents', 'token'];

function launcherMissing(targets: readonly WrittenTarget[], uses: readonly SourceNode[]): readonly Complaint[] {
  if (!uses.every((use) => launchNothing.includes(nameOf(use) ?? ''))) return [];
  return targets
    .filter(({ target }) => target.kind === 'backend')
    .map(({ at, path }) => ({
      at,
      path,
      message: 'the target "backend" needs a plugin that launches one, and the relay uses none',
      expected: 'a plugin such as { "use": "launch", "command": "..." }, or the host:port where the backend listens',
    }));
}

function unreached(targets: readonly WrittenTarget[], launch: SourceNode, path: ConfigPath): readonly Complaint[] {
  const port = find(launch, ['port']);
  const fixed = port?.kind === 'scalar' && typeof port.value === 'number' ? port.value : null;
  const reached = targets.some(
    ({ target }) => target.kind === 'backend' || (target.kind === 'tcp' && target.port === fixed),
  );
  if (reached || targets.length === 0) return [];
  const message =
    fixed === null
      ? 'a backend is launched, but no forward leads to it'
      : `a backend is launched on port ${fixed}, but no forward leads there`;
  return [{ at: port?.at ?? launch.at, path, message, expected: 'a forward with "target": "backend"' }];
}

/** A backend that ends with its link would be another one on each link. */
function standbys(root: SourceNode, relay: SourceNode, launch: SourceNode, path: ConfigPath): readonly Complaint[] {
  const lifetime = find(launch, ['lifetime']);
  const lanes = find(relay, ['lanes']) ?? find(root, ['defaults', 'lanes']);
  if (lifetime?.kind !== 'scalar' || lifetime.value !== 'session' || lanes?.kind !== 'scalar' || lanes.value !== 2)
    return [];
  const message = 'a backend of lifetime "session" ends with its link, and 2 lanes are two links';
  return [{ at: lifetime.at, path: [...path, 'lifetime'], message, expected: '1 lane, or lifetime "detached"' }];
}

/** `launch` says itself how long a launch may take: a hook that is cut short before cannot say how far it came, nor end what it started. */
function cutShort(launch: SourceNode, path: ConfigPath): readonly Complaint[] {
  const written = find(launch, ['deadlines', 'backend']);
  if (written === undefined) return [];
  const message = 'how long a launch may take is said by its own "deadline"';
  return [
    {
      at: written.at,
      path: [...path, 'deadlines', 'backend'],
      message,
      expected: '"deadline" beside "use", in its place',
    },
  ];
}
