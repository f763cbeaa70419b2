import type { MapNode, SourceNode } from '../source-node.ts';
import type { FlowMap } from './map-place.ts';

/** Where a map that was read from JSON, and every map in it, stands in the text. */
export function placeJsonMap(text: string, node: MapNode): FlowMap {
  const entries = node.entries.map(({ key, keyAt, node: value }) => ({
    name: key,
    keyAt,
    keyEnd: stringEnd(text, keyAt),
    valueAt: value.at,
    end: endOf(text, value),
    keeps: false,
    value: value.kind === 'map' ? placeJsonMap(text, value) : null,
    items:
      value.kind === 'list' ? value.items.map((item) => (item.kind === 'map' ? placeJsonMap(text, item) : null)) : [],
  }));
  return { kind: 'flow', at: node.at, end: endOf(text, node), entries };
}

/** Between the last value and its bracket JSON has only white space. */
function endOf(text: string, node: SourceNode): number {
  switch (node.kind) {
    case 'scalar':
      return node.at + node.source.length;
    case 'list': {
      const last = node.items.at(-1);
      return text.indexOf(']', last === undefined ? node.at : endOf(text, last)) + 1;
    }
    case 'map': {
      const last = node.entries.at(-1);
      return text.indexOf('}', last === undefined ? node.at : endOf(text, last.node)) + 1;
    }
  }
}

function stringEnd(text: string, at: number): number {
  const string = /"(?:[^"\\]|\\.)*"/y;
  string.lastIndex = at;
  return string.test(text) ? string.lastIndex : at;
}
