import type { Complaint, ConfigPath } from './problem.ts';

/** A value of the config file together with where it stands, whichever language the file is written in. */
export type SourceNode = ScalarNode | ListNode | MapNode;

/** A string, number, boolean or null; `source` is how it was written. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly at: number;
  readonly value: string | number | boolean | null;
  readonly source: string;
}

/** A list. */
export interface ListNode {
  readonly kind: 'list';
  readonly at: number;
  readonly items: readonly SourceNode[];
}

/** An object; its entries in the order of the file, duplicates included. */
export interface MapNode {
  readonly kind: 'map';
  readonly at: number;
  readonly entries: readonly SourceEntry[];
}

/** One key of an object. */
export interface SourceEntry {
  readonly key: string;
  readonly keyAt: number;
  readonly node: SourceNode;
}

/** What reading a text gives: the whole tree, or why there is none. */
export type Reading = { readonly node: SourceNode } | { readonly complaints: readonly Complaint[] };

/** Deeper than any config needs, and shallow enough for every recursion over it. */
export const deepest = 64;

const dangerous: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** True for a key that could reach an object's prototype. */
export function isDangerous(key: string): boolean {
  return dangerous.has(key);
}

/** The value without its positions. Of a duplicate key the first counts; dangerous keys are left out. */
export function plain(node: SourceNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plain);
    case 'map': {
      const value: Record<string, unknown> = {};
      for (const entry of node.entries) {
        if (!isDangerous(entry.key) && !Object.hasOwn(value, entry.key)) value[entry.key] = plain(entry.node);
      }
      return value;
    }
  }
}

const indexes = new WeakMap<MapNode, ReadonlyMap<string, SourceEntry>>();

/** The first entry of that key. Indexed: each problem of a file looks up its place. */
function entryOf(node: MapNode, key: string): SourceEntry | undefined {
  const index = indexes.get(node) ?? new Map(node.entries.toReversed().map((entry) => [entry.key, entry]));
  indexes.set(node, index);
  return index.get(key);
}

/** The node at a path, or undefined. */
export function find(node: SourceNode | undefined, path: ConfigPath): SourceNode | undefined {
  let current = node;
  for (const step of path) {
    if (current?.kind === 'list' && typeof step === 'number') current = current.items[step];
    else if (current?.kind === 'map' && typeof step === 'string') current = entryOf(current, step)?.node;
    else return undefined;
  }
  return current;
}

/** Where the value at a path begins; for a missing one, where the nearest thing around it begins. */
export function offsetOf(node: SourceNode, path: ConfigPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const found = find(node, path.slice(0, length));
    if (found !== undefined) return found.at;
  }
  return node.at;
}

/** Where the key at the end of a path begins. */
export function keyOffsetOf(node: SourceNode, path: ConfigPath): number {
  const parent = find(node, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? entryOf(parent, String(path.at(-1))) : undefined;
  return entry?.keyAt ?? offsetOf(node, path);
}
