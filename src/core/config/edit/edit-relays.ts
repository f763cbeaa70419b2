import { isDeepStrictEqual } from 'node:util';
import { Fault } from '../../model/fault.ts';
import { readJson } from '../json.ts';
import { plain, type SourceNode } from '../source-node.ts';
import { readYaml } from '../yaml.ts';
import { insertBlock, insertLines, removeBlock } from './block-edit.ts';
import { flowMapText, insertFlow, removeFlow } from './flow-edit.ts';
import { placeJsonMap } from './json-place.ts';
import { columnOf, type EntryPlace, lineEnd, type MapPlace, newlineOf } from './map-place.ts';
import { type Language, renamedKey, yamlText } from './scalar-text.ts';
import { type Splice, splice } from './splice.ts';
import { placeYaml } from './yaml-place.ts';

/** A relay as it is first written: its host, one forward in the short form, and plugins with plain options. */
export interface NewRelay {
  readonly host: string;
  readonly forward: string;
  /** Default: none. */
  readonly plugins?: readonly Readonly<Record<string, string | number>>[];
}

/** One change of the relays of a config file. */
export type Edit =
  | { readonly kind: 'add'; readonly name: string; readonly relay: NewRelay }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string; readonly keep?: KeptName };

/** A plugin whose own name is by default that of its relay, and is to stay what it was: it gets the option `name`. */
export interface KeptName {
  /** Where it stands in the list of plugins. */
  readonly plugin: number;
  readonly name: string;
}

/**
 * Changes the relays in the text of a config and leaves every other character as it is. The text must be readable, and the name
 * known (or new, for `add`). What comes out is read again: throws CONFIG_INVALID where it does not say what it should.
 */
export function editRelays(text: string, language: Language, edit: Edit): string {
  const before = treeOf(text, language);
  if (before === null && language === 'json' && edit.kind === 'add') return newJson(edit);
  const root = language === 'yaml' ? placeYaml(text) : before?.kind === 'map' ? placeJsonMap(text, before) : null;
  const edited = splice(text, splicesFor(text, root, language, edit));
  const after = treeOf(edited, language);
  const meant = expected(before === null ? {} : plain(before), edit);
  if (after !== null && isDeepStrictEqual(plain(after), meant)) return edited;
  const message = `the relays are laid out in a way that only a person can edit; ${adviceFor(edit)} by hand`;
  throw new Fault('CONFIG_INVALID', message);
}

function newJson({ name, relay }: Edit & { readonly kind: 'add' }): string {
  const pairs = Object.entries(valuesOf(relay)).map(([key, value]) => `"${key}": ${value}`);
  const value = `{ ${pairs.join(', ')} }`;
  return `{\n  "relays": {\n    ${JSON.stringify(name)}: ${value}\n  }\n}\n`;
}

/** What stands in a new relay, each value as JSON on one line, which YAML reads too. */
function valuesOf({ host, forward, plugins = [] }: NewRelay): Readonly<Record<string, string>> {
  const uses = plugins.map((plugin) => {
    const pairs = Object.entries(plugin).map(([key, value]) => `"${key}": ${JSON.stringify(value)}`);
    return `{ ${pairs.join(', ')} }`;
  });
  const values = { host: JSON.stringify(host), forwards: `[${JSON.stringify(forward)}]` };
  return uses.length === 0 ? values : { ...values, plugins: `[${uses.join(', ')}]` };
}

function adviceFor(edit: Edit): string {
  if (edit.kind === 'add') return `write "${edit.name}" into it`;
  const keep = edit.kind === 'rename' ? edit.keep : undefined;
  const also = keep === undefined ? '' : ` and give plugins[${keep.plugin}] of it the option "name": "${keep.name}"`;
  return `${edit.kind} "${edit.name}"${also}`;
}

/** Null: there is nothing but white space and comments. */
function treeOf(text: string, language: Language): SourceNode | null {
  if (text.trim() === '') return null;
  const reading = language === 'json' ? readJson(text) : readYaml(text);
  return 'node' in reading && !(reading.node.kind === 'scalar' && reading.node.source === '') ? reading.node : null;
}

function expected(value: unknown, edit: Edit): unknown {
  if (!isRecord(value)) return undefined;
  const relays = isRecord(value['relays']) ? value['relays'] : {};
  switch (edit.kind) {
    case 'add': {
      const { host, forward, plugins = [] } = edit.relay;
      const relay = { host, forwards: [forward], ...(plugins.length === 0 ? {} : { plugins }) };
      return { ...value, relays: { ...relays, [edit.name]: relay } };
    }
    case 'remove':
      return { ...value, relays: Object.fromEntries(Object.entries(relays).filter(([name]) => name !== edit.name)) };
    case 'rename': {
      const renamed = Object.entries(relays).map(([name, relay]) =>
        name === edit.name ? [edit.to, withKept(relay, edit.keep)] : [name, relay],
      );
      return { ...value, relays: Object.fromEntries(renamed) };
    }
  }
}

function withKept(relay: unknown, keep: KeptName | undefined): unknown {
  if (keep === undefined || !isRecord(relay) || !Array.isArray(relay['plugins'])) return relay;
  const plugins = relay['plugins'].map((plugin: unknown, index) =>
    index === keep.plugin && isRecord(plugin) ? { ...plugin, name: keep.name } : plugin,
  );
  return { ...relay, plugins };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function splicesFor(text: string, root: MapPlace | null, language: Language, edit: Edit): readonly Splice[] {
  const entry = root?.entries.find(({ name }) => name === 'relays');
  const relays = entry?.value ?? null;
  if (edit.kind === 'add') return additions(text, root, entry, language, edit);
  const index = relays?.entries.findIndex(({ name }) => name === edit.name) ?? -1;
  const found = relays?.entries[index];
  if (relays === null || found === undefined) return [];
  if (edit.kind === 'remove')
    return relays.kind === 'flow' ? removeFlow(text, relays, index) : removeBlock(text, relays, index);
  const { keyAt, keyEnd } = found;
  const renamed = { at: keyAt, end: keyEnd, text: renamedKey(edit.to, text.slice(keyAt, keyEnd)) };
  return [renamed, ...(edit.keep === undefined ? [] : keptName(text, found, language, edit.keep))];
}

/** None where the plugin stands elsewhere (an alias): what comes out does not say what it should then. */
function keptName(text: string, relay: EntryPlace, language: Language, keep: KeptName): readonly Splice[] {
  const plugins = relay.value?.entries.find(({ name }) => name === 'plugins');
  const plugin = plugins?.items[keep.plugin] ?? null;
  if (plugin === null) return [];
  return plugin.kind === 'flow'
    ? insertFlow(text, plugin, 'name', language, () => JSON.stringify(keep.name))
    : insertBlock(text, plugin, 'name', () => ` ${yamlText(keep.name)}`);
}

/** A relay goes behind the last one; where the file has no `relays` yet, with that key to the end of the file. */
function additions(
  text: string,
  root: MapPlace | null,
  relays: EntryPlace | undefined,
  language: Language,
  { name, relay }: Edit & { readonly kind: 'add' },
): readonly Splice[] {
  const newline = newlineOf(text);
  const inFlow = (beside: EntryPlace['value']) => {
    return flowMapText(text, beside, valuesOf(relay), language);
  };
  const inBlock = (beside: EntryPlace['value'], lead: string) => {
    if (beside?.kind === 'flow') return ` ${inFlow(beside)}`;
    const pairs = Object.entries({ ...valuesOf(relay), host: yamlText(relay.host) });
    return pairs.map(([key, value]) => `${lead}${key}: ${value}`).join('');
  };
  const lines = (lead: string) => `${lead}${yamlText(name)}:${inBlock(null, `${lead}  `)}`;
  if (root === null) return insertLines(text, text.length, `relays:${lines(`${newline}  `)}`);
  if (relays === undefined && root.kind === 'block') {
    return insertBlock(text, root, 'relays', () => lines(`${newline}  `));
  }
  if (relays === undefined && root.kind === 'flow') {
    return insertFlow(text, root, 'relays', language, () =>
      flowMapText(text, null, { [name]: inFlow(null) }, language),
    );
  }
  if (relays === undefined) return [];
  if (relays.value?.kind === 'flow') return insertFlow(text, relays.value, name, language, inFlow);
  if (relays.value?.kind === 'block') return insertBlock(text, relays.value, name, inBlock);
  // `relays:` without a value.
  if (root.kind === 'flow' || text.slice(relays.keyEnd, relays.end).trim() !== ':') return [];
  const indent = ' '.repeat(columnOf(text, relays.keyAt) + 2);
  return insertLines(text, lineEnd(text, relays.end), lines(newline + indent).slice(newline.length));
}
