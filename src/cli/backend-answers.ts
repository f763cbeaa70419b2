import { type Parsed, quote } from '../core/config/problem.ts';
import { Fault } from '../core/model/fault.ts';
import { safeGroupPattern } from '../core/model/safe-pattern.ts';
import { readJsonPath } from '../plugins/printed/json-path.ts';
import { generic } from '../plugins/recipes/generic.ts';
import { recipes } from '../plugins/recipes/recipes.ts';
import { type Arguments, readText } from './arguments.ts';
import type { Dialogue } from './dialogue.ts';
import { wrapText } from './wrap-text.ts';

/** A plugin of a new relay, as it is written into the config. */
export type PluginText = Readonly<Record<string, string | number>>;

/** What a new relay has to do with its backend. */
export interface BackendAnswers {
  /** The plugin that starts it; null: it runs already, or nothing was said. */
  readonly launch: PluginText | null;
  /** The plugin that finds its token; null: it is set by hand, or nothing was said. */
  readonly token: PluginText | null;
  /** Its usual port, where a recipe says one. */
  readonly port: number | null;
}

/** Where a token may be, as `--token-from` takes it, with the option of the plugin that the rest becomes. */
const places: Readonly<Record<string, string | null>> = {
  none: null,
  keyring: null,
  file: 'path',
  command: 'command',
  'local-file': 'path',
  'local-command': 'command',
  'local-env': 'name',
};

const noCommand =
  'generic stands for anything, so it starts nothing by itself; add --launch COMMAND, in which {port} is its port, and --token-pattern REGEX or --token-json PATH if it prints a token';

const placeForms = `recipe, ${Object.entries(places)
  .map(([from, operand]) => (operand === null ? from : `${from}:${operand.toUpperCase()}`))
  .join(', ')}`;

/** Reads --launch, --recipe, --token-from, --token-pattern and --token-json. Throws USAGE. */
export function readBackend(given: Arguments): BackendAnswers {
  const [command, named, from] = [readText(given, 'launch'), readText(given, 'recipe'), readText(given, 'token-from')];
  const recipe = named === null ? null : recipes.get(named);
  if (recipe === undefined) {
    const known = [...recipes.keys()].join(', ');
    throw new Fault('USAGE', `--recipe: there is no ${quote(named ?? '')}; expected one of ${known}`);
  }
  const parts = { pattern: readText(given, 'token-pattern'), json: readText(given, 'token-json') };
  const read = parts.pattern === null ? null : safeGroupPattern(parts.pattern);
  if (read !== null && 'trouble' in read) {
    throw new Fault('USAGE', `--token-pattern: ${read.trouble.message}; expected ${read.trouble.expected}`);
  }
  const path = parts.json === null ? null : readJsonPath(parts.json);
  if (path !== null && 'trouble' in path)
    throw new Fault('USAGE', `--token-json: ${path.trouble.message}; expected ${path.trouble.expected}`);
  const launching = command !== null || recipe !== null;
  if (parts.json !== null && parts.pattern !== null)
    throw new Fault('USAGE', '--token-pattern and --token-json exclude each other; leave one out');
  if (from === null && !launching && (parts.json ?? parts.pattern) !== null) {
    const text =
      '--token-pattern and --token-json need --token-from, which says where the token is, or --launch, whose backend prints it';
    throw new Fault('USAGE', text);
  }
  const found = from === null ? null : readPlace(from, recipe?.name ?? null);
  if (found !== null && 'trouble' in found) {
    throw new Fault('USAGE', `--token-from: ${found.trouble.message}; expected ${found.trouble.expected}`);
  }
  if (command === null && recipe !== null && from !== null && from !== 'recipe') {
    const why = `with --token-from the backend runs already, so that --recipe ${recipe.name} would start nothing`;
    throw new Fault(
      'USAGE',
      `${why}; leave --token-from out to have it started, or leave --recipe out and say its --port`,
    );
  }
  if (command === null && recipe === generic && found === null) throw new Fault('USAGE', `--recipe ${noCommand}`);
  const printed = found === null ? parts : { pattern: null, json: null };
  if ((printed.pattern ?? printed.json) !== null && recipe !== null && recipe.token.from !== 'nowhere') {
    const text = `--recipe ${recipe.name} knows how its backend gets its token; leave ${printed.json === null ? '--token-pattern' : '--token-json'} out`;
    throw new Fault('USAGE', text);
  }
  const more = Object.fromEntries(Object.entries(parts).filter((part): part is [string, string] => part[1] !== null));
  return {
    // With a rule for its token it runs already.
    launch:
      command === null && (recipe === null || found !== null)
        ? null
        : launchText(command, recipe?.name ?? null, printed),
    token: found === null ? null : { ...found.value, ...more },
    port: recipe?.port ?? null,
  };
}

/** Asks for the two that matter; null: the person has left. */
export async function askBackend(dialogue: Dialogue, said: BackendAnswers): Promise<BackendAnswers | null> {
  if (said.launch !== null || said.token !== null) return said;
  const known = [...recipes.keys()].join(', ');
  say(dialogue, `a command with {port} in it, or a recipe: ${known}`);
  const launch = await dialogue.ask({
    text: 'What starts the backend there (-: it runs already)',
    otherwise: '-',
    read: (text): Parsed<{ readonly plugin: PluginText | null }> => {
      if (text === '-') return { value: { plugin: null } };
      if (text === generic.name) return { trouble: { message: noCommand, expected: 'a command' } };
      return { value: { plugin: recipes.has(text) ? launchText(null, text) : launchText(text, null) } };
    },
  });
  if (launch === null) return null;
  if (launch.plugin !== null) return { ...said, launch: launch.plugin };
  say(dialogue, placeForms.replace('recipe, ', ''));
  const token = await dialogue.ask({
    text: 'Where its token is (-: you set it, or there is none)',
    otherwise: '-',
    read: (text): Parsed<{ readonly plugin: PluginText | null }> => {
      if (text === '-') return { value: { plugin: null } };
      const place = readPlace(text, null);
      return 'trouble' in place ? place : { value: { plugin: place.value } };
    },
  });
  return token === null ? null : { ...said, token: token.plugin };
}

function say(dialogue: Dialogue, text: string): void {
  for (const line of wrapText(text, 76)) dialogue.say(`  ${line}`);
}

function launchText(
  command: string | null,
  recipe: string | null,
  { pattern, json }: Readonly<Record<'pattern' | 'json', string | null>> = { pattern: null, json: null },
): PluginText {
  const options = { recipe, command, tokenPattern: pattern, tokenJson: json };
  const said = Object.entries(options).filter((option): option is [string, string] => option[1] !== null);
  return { use: 'launch', ...Object.fromEntries(said) };
}

/** A token itself is never taken here: it would stand in an argument, and in the config. */
function readPlace(text: string, recipe: string | null): Parsed<PluginText> {
  if (text === 'recipe') {
    if (recipe !== null && recipes.get(recipe)?.attach != null) return { value: { use: 'token', recipe } };
    return { trouble: { message: 'no --recipe says where the token of a running backend is', expected: placeForms } };
  }
  const [, from = '', rest] = /^([a-z-]+)(?::(.+))?$/s.exec(text) ?? [];
  const operand = Object.hasOwn(places, from) ? places[from] : undefined;
  if (operand === undefined || (operand === null) !== (rest === undefined)) {
    // What was written may be the token.
    return { trouble: { message: 'that is no place of a token', expected: placeForms } };
  }
  return { value: { use: 'token', from, ...(operand === null || rest === undefined ? {} : { [operand]: rest }) } };
}
