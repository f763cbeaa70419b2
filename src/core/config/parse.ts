import { dirname } from 'node:path';
import type { Config, RelayConfig } from '../model/config.ts';
import { absolute } from './absolute.ts';
import { checkAcross } from './cross-rules.ts';
import { checkHabits } from './habit-rules.ts';
import { complaintsOf } from './issues.ts';
import { readJson } from './json.ts';
import { locator } from './lines.ts';
import { checkNames } from './name-rules.ts';
import { pluginUse, usesOf, type Using } from './plugin-uses.ts';
import { type Complaint, type ConfigPath, formatPath, locate, type Problem } from './problem.ts';
import { fileSchema } from './schema.ts';
import { find, offsetOf, plain, type SourceNode } from './source-node.ts';
import { decode } from './text.ts';
import { checkTree } from './tree-rules.ts';
import { readYaml } from './yaml.ts';

/** What a config file is: a config, or all that is wrong with it; `using`: the plugins in it that can be looked at all the same. */
export type Checked =
  | { readonly config: Config }
  | { readonly problems: readonly Problem[]; readonly using: readonly Using[] };

/** Parses the bytes of a config file. `file` is its absolute path: its ending names the language, its folder is where paths begin. */
export function parseConfig(bytes: Uint8Array, file: string, home: string): Checked {
  const decoded = decode(bytes);
  const { text } = decoded;
  const where = locator(text);
  if ('complaint' in decoded) return { problems: locate([decoded.complaint], where, file), using: [] };
  const reading = file.endsWith('.json') ? readJson(text) : readYaml(text);
  if ('complaints' in reading) return { problems: locate(reading.complaints, where, file), using: [] };
  const { node } = reading;
  const written = plain(node);
  const parsed = fileSchema.safeParse(written);
  const complaints = merge([
    checkTree(node, where),
    checkNames(node),
    checkHabits(node, dirname(file)),
    checkAcross(node, where),
    parsed.success ? [] : complaintsOf(parsed.error.issues, node),
  ]);
  const place = (path: ConfigPath) => {
    const { line, column } = where(offsetOf(node, path));
    return `${file}:${line}:${column} ${formatPath(path)}`;
  };
  const whole = withDefaults(written);
  if (complaints.length > 0)
    return { problems: locate(complaints, where, file), using: usesOf(whole, { file, home, place }) };
  return { config: build(whole, file, home, namesOf(node), place) };
}

/** Earlier rules know better: of two complaints about one place only the first stays. */
function merge(lists: readonly (readonly Complaint[])[]): readonly Complaint[] {
  const places = new Set<string>();
  return lists.flatMap((list) => {
    const fresh = list.filter(({ at, path }) => !places.has(JSON.stringify([at, path])));
    for (const { at, path } of fresh) places.add(JSON.stringify([at, path]));
    return fresh;
  });
}

/** In the order of the file: an object's own order would put names like "80" first. */
function namesOf(root: SourceNode): readonly string[] {
  const relays = find(root, ['relays']);
  return relays?.kind === 'map' ? relays.entries.map((entry) => entry.key) : [];
}

/** Writes `defaults` under each relay, before the schema's own defaults fill what is left. */
function withDefaults(written: unknown): unknown {
  if (!isMap(written) || !isMap(written['relays'])) return written;
  const relays = Object.entries(written['relays']).map(([name, relay]) => [name, under(written['defaults'], relay)]);
  return { ...written, relays: Object.fromEntries(relays) };
}

function under(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isMap(below) || !isMap(above)) return above;
  const keys = new Set([...Object.keys(below), ...Object.keys(above)]);
  return Object.fromEntries([...keys].map((key) => [key, under(below[key], above[key])]));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function build(
  written: unknown,
  file: string,
  home: string,
  names: readonly string[],
  place: (path: ConfigPath) => string,
): Config {
  const { sshConfig, relays } = fileSchema.parse(written);
  const folder = dirname(file);
  return {
    file,
    sshConfig: sshConfig === null ? null : absolute(sshConfig, folder, home),
    relays: names.flatMap((name): readonly RelayConfig[] => {
      const relay = relays[name];
      if (relay === undefined) return [];
      const plugins = relay.plugins.map((written, index) =>
        pluginUse(written, { file, home, place }, ['relays', name, 'plugins', index]),
      );
      return [{ name, ...relay, plugins }];
    }),
  };
}
