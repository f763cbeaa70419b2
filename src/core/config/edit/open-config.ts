import type { Config } from '../../model/config.ts';
import { Fault } from '../../model/fault.ts';
import { formatProblem, invalidConfig } from '../load.ts';
import { readSafely } from '../file.ts';
import { readJson } from '../json.ts';
import { locator } from '../lines.ts';
import { parseConfig } from '../parse.ts';
import { find } from '../source-node.ts';
import { decode } from '../text.ts';
import { readYaml } from '../yaml.ts';
import { type Edit, editRelays } from './edit-relays.ts';
import { replaceFile } from './replace-file.ts';

/** A config file that is about to be changed. */
export interface OpenConfig {
  readonly file: string;
  /** What `~` means in it. */
  readonly home: string;
  /** Null: there is no file yet. */
  readonly bytes: Uint8Array | null;
  /** Null: it has no relay yet. */
  readonly config: Config | null;
  /** The line of each relay's name. */
  readonly lines: ReadonlyMap<string, number>;
}

/** Reads a config in order to change it; `there` is false where it is still to be made. Throws as loadConfig does, save that it may lack relays. */
export function openConfig(file: string, there: boolean, home: string): OpenConfig {
  if (!there) return { file, home, bytes: null, config: null, lines: new Map() };
  const bytes = readSafely(file, home);
  const { text } = decode(bytes);
  if (text.trim() === '') return { file, home, bytes, config: null, lines: new Map() };
  const checked = parseConfig(bytes, file, home);
  const reading = file.endsWith('.json') ? readJson(text) : readYaml(text);
  const relays = 'node' in reading ? find(reading.node, ['relays']) : undefined;
  const entries = relays?.kind === 'map' ? relays.entries : [];
  if ('problems' in checked) {
    const none = 'node' in reading && reading.node.kind === 'scalar' && reading.node.source === '';
    // That there is no relay yet is what is about to change.
    const others = checked.problems.filter(({ path }) => !none && (entries.length > 0 || path !== 'relays'));
    if (others.length > 0) throw invalidConfig(others);
  }
  const where = locator(text);
  const lines = new Map(entries.map(({ key, keyAt }) => [key, where(keyAt).line]));
  return { file, home, bytes, config: 'config' in checked ? checked.config : null, lines };
}

/**
 * Changes an opened config: edits its text, writes it beside the old file, has the loader check it there, and only then puts it in
 * place. Throws CONFIG_INVALID, CONFIG_UNSAFE or CONFIG_UNWRITABLE and leaves everything as it was.
 */
export function changeConfig({ file, home, bytes }: OpenConfig, edit: Edit): OpenConfig {
  const text = bytes === null ? '' : decode(bytes).text;
  const edited = editRelays(text, file.endsWith('.json') ? 'json' : 'yaml', edit);
  const check = (temporary: string) => {
    const checked = parseConfig(readSafely(temporary, home), file, home);
    if (!('problems' in checked)) return;
    const [first] = checked.problems;
    const why = first === undefined ? '' : `: ${formatProblem(first)}`;
    throw new Fault('CONFIG_INVALID', `the change was not made, since the config would be invalid with it${why}`);
  };
  replaceFile({ path: file, before: bytes, after: Buffer.from(edited), check });
  return openConfig(file, true, home);
}
