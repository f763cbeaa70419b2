import { isAlias, isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml';
import type { EntryPlace, MapPlace } from './map-place.ts';

/** Where the top map of a YAML text, and every map in it, stands; null where there is no map. The text has been read before. */
export function placeYaml(text: string): MapPlace | null {
  const { contents } = parseDocument(text, { schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false });
  return isMap(contents) ? placeMap(text, contents) : null;
}

function placeMap(text: string, map: YAMLMap): MapPlace {
  const entries = map.items.map((pair) => placeEntry(text, pair));
  const [at, end] = map.range ?? [0, 0];
  return map.flow === true ? { kind: 'flow', at, end, entries } : { kind: 'block', entries };
}

function placeEntry(text: string, pair: Pair): EntryPlace {
  const { key, value } = pair;
  const [keyAt, keyEnd] = rangeOf(key) ?? [0, 0];
  const [valueAt] = rangeOf(value) ?? [keyEnd];
  const name = isScalar(key) ? (typeof key.value === 'string' ? key.value : (key.source ?? '')) : '';
  const [lastAt, end] = rangeOf(lastOf(pair)) ?? [keyEnd, keyEnd];
  const keeps = /^[|>]\d?\+/.test(text.slice(lastAt, lastAt + 3));
  const items = isSeq(value) ? value.items.map((item) => (isMap(item) ? placeMap(text, item) : null)) : [];
  return { name, keyAt, keyEnd, valueAt, end, keeps, value: isMap(value) ? placeMap(text, value) : null, items };
}

/** The last thing inside, which ends where all of it ends. The range of a block itself goes on to whatever follows it. */
function lastOf(node: unknown): unknown {
  if (isMap(node) && node.flow !== true && node.items.length > 0) return lastOf(node.items.at(-1));
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return lastOf(node.items.at(-1));
  if (typeof node !== 'object' || node === null || !('key' in node && 'value' in node)) return node;
  return node.value === null ? node.key : lastOf(node.value);
}

function rangeOf(node: unknown): readonly [number, number] | null {
  const found = isAlias(node) || isSeq(node) || isMap(node) || isScalar(node) ? node.range : null;
  return found === null || found === undefined ? null : [found[0], found[1]];
}
