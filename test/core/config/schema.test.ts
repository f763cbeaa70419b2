import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { loadConfig } from '../../../src/core/config/load.ts';
import { jsonSchema } from '../../../src/core/config/schema.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { copyTo, inCheckout, least, write } from './place.ts';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
  readonly description?: string;
}

const schema = jsonSchema() as Schema;
const example: unknown = JSON.parse(readFileSync(inCheckout('config.example.json'), 'utf8'));

test('schema.json is generated from the schema (TAP_SNAPSHOT=1 writes it)', (t) => {
  const file = inCheckout('schema.json');
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  if (process.env['TAP_SNAPSHOT'] === '1') writeFileSync(file, text);
  t.equal(readFileSync(file, 'utf8'), text);
  t.end();
});

test('every key of the schema has a description', (t) => {
  const keys = keysOf(schema, '');
  t.ok(keys.size > 40, `${keys.size} keys`);
  for (const [path, { description, $ref }] of keys) {
    if ($ref === undefined && !path.endsWith('.kind')) t.type(description, 'string', path);
  }
  t.end();
});

test('the example is a valid config', (t) => {
  const home = makeTemp(t, 'config');
  const config = loadConfig(copyTo(home, inCheckout('config.example.json')), { home });
  t.strictSame(
    config.relays.map((relay) => relay.name),
    ['dev-box', 'notebook', 'postgres'],
  );
  t.end();
});

test('every key of the schema stands in the example', (t) => {
  const written = new Set(visit(example, schema, '').map(([path]) => path));
  // Its default is null, so the keys inside it are shown where a relay sets them.
  for (const key of ['interval', 'count']) {
    if (written.has(`.relays*.keepalive.${key}`)) written.add(`.defaults.keepalive.${key}`);
  }
  t.strictSame(
    [...keysOf(schema, '').keys()].filter((path) => !written.has(path)),
    [],
  );
  t.end();
});

test('every default in the example is the default of the schema', (t) => {
  const leaves = visit(example, schema, '').filter(
    ([, value, key]) => key.default !== undefined && (typeof value !== 'object' || value === null),
  );
  t.ok(leaves.length > 30, `${leaves.length} defaults`);
  for (const [path, value, key] of leaves) if (!path.endsWith('.health')) t.strictSame(value, key.default, path);
  t.end();
});

test('what the example writes out is what a relay gets that says nothing', (t) => {
  const home = makeTemp(t, 'config');
  const [silent] = loadConfig(write(`${home}/least.json`, least), { home }).relays;
  const [, , postgres] = loadConfig(copyTo(home, inCheckout('config.example.json')), { home }).relays;
  t.strictSame({ ...postgres, plugins: [], name: 'db', host: 'devbox' }, silent);
  t.end();
});

function options(given: Schema): readonly Schema[] {
  const name = given.$ref?.split('/').at(-1);
  const target = name === undefined ? given : schema.definitions?.[name];
  if (target === undefined) throw new Error(`no definition ${name}`);
  const inner = [...(target.anyOf ?? []), ...(target.oneOf ?? [])];
  return inner.length === 0 ? [target] : inner.flatMap(options);
}

/** Every key that the schema knows, by its path without relay names and indexes. */
function keysOf(given: Schema, path: string): ReadonlyMap<string, Schema> {
  const found = new Map<string, Schema>();
  for (const option of options(given)) {
    for (const [key, value] of Object.entries(option.properties ?? {})) {
      found.set(`${path}.${key}`, value);
      for (const [below, each] of keysOf(value, `${path}.${key}`)) found.set(below, each);
    }
    for (const inner of [option.items, option.additionalProperties]) {
      if (inner !== undefined && inner !== false)
        for (const [below, each] of keysOf(inner, `${path}*`)) found.set(below, each);
    }
  }
  return found;
}

/** Every value of the example with the path of its key and what the schema says of it. */
function visit(value: unknown, given: Schema, path: string): readonly (readonly [string, unknown, Schema])[] {
  if (Array.isArray(value)) {
    const items = options(given).find((option) => option.items !== undefined)?.items;
    return items === undefined ? [] : value.flatMap((item) => visit(item, items, `${path}*`));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const open = options(given);
    const known = open.find((option) => option.properties?.[key] !== undefined)?.properties?.[key];
    if (known !== undefined)
      return [[`${path}.${key}`, inner, known] as const, ...visit(inner, known, `${path}.${key}`)];
    const [any] = open.flatMap(({ additionalProperties: each }) =>
      each === undefined || each === false ? [] : [each],
    );
    return any === undefined ? [] : visit(inner, any, `${path}*`);
  });
}
