import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Complaint, ConfigPath } from './problem.ts';
import { find, type SourceEntry, type SourceNode } from './source-node.ts';

/** What people write by habit, told by what they mean: a secret as a key of a relay, a forward as a bare number, a file in `folder` as a package. */
export function checkHabits(root: SourceNode, folder: string): readonly Complaint[] {
  const relays = find(root, ['relays']);
  if (relays?.kind !== 'map') return [];
  return relays.entries.flatMap(({ key: name, node }) => {
    if (node.kind !== 'map') return [];
    const path = ['relays', name];
    return [
      ...node.entries.flatMap((entry) => secretKey(entry, name, path)),
      ...numbers(node, path),
      ...files(node, path, folder),
    ];
  });
}

/** The value is not looked at. */
function secretKey({ key, keyAt }: SourceEntry, relay: string, path: ConfigPath): readonly Complaint[] {
  const complain = (message: string, expected: string) => [{ at: keyAt, path: [...path, key], message, expected }];
  switch (key) {
    case 'token':
      return complain(
        'a token does not stand in the config',
        `\`towline token set ${relay}\`, which keeps it for your eyes only, or the plugin "token", which finds it (docs/backends.md)`,
      );
    case 'password':
    case 'passphrase':
      return complain(
        `a ${key} does not stand in the config`,
        `\`towline unlock ${relay}\`, which asks for it, or a key in an agent`,
      );
    default:
      return [];
  }
}

/** YAML reads digits as a number, and a port in JSON is one to many. */
function numbers(relay: SourceNode, path: ConfigPath): readonly Complaint[] {
  const forwards = find(relay, ['forwards']);
  const items = forwards?.kind === 'list' ? forwards.items : [];
  return items.flatMap((item, index) => {
    if (item.kind !== 'scalar' || typeof item.value !== 'number' || !/^\d{1,5}$/.test(item.source)) return [];
    const message = `${item.source} is a number, and a forward is a text`;
    return [
      { at: item.at, path: [...path, 'forwards', index], message, expected: `quotes around it: "${item.source}"` },
    ];
  });
}

/** A package may be called `hours.js` too; where there is none but such a file, that is meant. */
function files(relay: SourceNode, path: ConfigPath, folder: string): readonly Complaint[] {
  const plugins = find(relay, ['plugins']);
  const items = plugins?.kind === 'list' ? plugins.items : [];
  return items.flatMap((item, index) => {
    const use = item.kind === 'map' ? find(item, ['use']) : item;
    if (use?.kind !== 'scalar' || typeof use.value !== 'string' || !/^\w[\w.-]*\.[cm]?[jt]s$/.test(use.value))
      return [];
    if (!existsSync(join(folder, use.value)) || existsSync(join(folder, 'node_modules', use.value))) return [];
    const message = `"${use.value}" would be a package, and is a file beside this one`;
    return [{ at: use.at, path: [...path, 'plugins', index], message, expected: `"./${use.value}"` }];
  });
}
