import { type Alias, isAlias, isMap, isScalar, isSeq, Lexer, parseDocument, type YAMLError } from 'yaml';
import type { Complaint } from './problem.ts';
import { deepest, type Reading, type SourceEntry, type SourceNode } from './source-node.ts';

/** More values than any config has; aliases of aliases reach it before they fill the memory. */
const most = 100_000;

/** Says in our words what `yaml` found: its own sentences may quote the file, and so a secret. */
// biome-ignore format: a table is read by its columns
const sentences: Readonly<Record<YAMLError['code'], string>> = {
  ALIAS_PROPS:           'an alias cannot have a tag or an anchor',
  BAD_ALIAS:             'this alias is not well formed',
  BAD_COLLECTION_TYPE:   'this tag does not fit the value',
  BAD_DIRECTIVE:         'this directive is not well formed',
  BAD_DQ_ESCAPE:         'a backslash begins no known escape',
  BAD_INDENT:            'the indentation does not fit the lines around it',
  BAD_PROP_ORDER:        'a tag or anchor stands in the wrong place',
  BAD_SCALAR_START:      'this character cannot begin a value; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'two keys stand on one line; put a value that has ": " in quotes',
  BLOCK_IN_FLOW:         'a block cannot stand inside brackets',
  DUPLICATE_KEY:         'this key was given before',
  IMPOSSIBLE:            'this is not YAML',
  KEY_OVER_1024_CHARS:   'a key is longer than 1,024 characters',
  MISSING_CHAR:          'a character is missing: a closing quote or bracket, a comma, a colon or a space',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line',
  MULTIPLE_ANCHORS:      'a value can have only one anchor',
  MULTIPLE_DOCS:         'a second document begins here; one file is one config',
  MULTIPLE_TAGS:         'a value can have only one tag',
  NON_STRING_KEY:        'a key must be text',
  RESOURCE_EXHAUSTION:   'the nesting is too deep',
  TAB_AS_INDENT:         'a tab indents this line; use spaces',
  TAG_RESOLVE_FAILED:    'this tag is not allowed; tags are not used in a config',
  UNEXPECTED_TOKEN:      'this is out of place',
};

/** Reads one YAML 1.2 document with the position of each value: no tags, no directives, no merge keys, bounded aliases. */
export function readYaml(text: string): Reading {
  const early = tooDeep(text);
  if (early !== null) return { complaints: [early] };
  const document = parseDocument(text, {
    schema: 'core',
    merge: false,
    prettyErrors: false,
    resolveKnownTags: false,
    uniqueKeys: false,
  });
  const found: Complaint[] = [...document.errors, ...document.warnings].map((error) => ({
    at: error.pos[0],
    path: [],
    message: sentences[error.code] ?? 'this is not YAML',
  }));
  if (document.directives?.yaml.explicit === true) {
    found.push({ at: 0, path: [], message: 'a %YAML directive is not allowed; leave it out' });
  }
  if (found.length > 0) return { complaints: found };
  const walk: Walk = { anchors: new Map(), left: most, complaints: [] };
  const node = convert(walk, document.contents, 0, 1);
  return walk.complaints.length > 0 ? { complaints: walk.complaints } : { node };
}

/** Looks at the lexer's tokens before anything recursive sees the text: ten thousand brackets would overflow the stack. */
function tooDeep(text: string): Complaint | null {
  let at = 0;
  let brackets = 0;
  let dashes = 0;
  let previous = '';
  for (const token of new Lexer().lex(text)) {
    const scalar = previous === '\x1f';
    if (!scalar && (token === '[' || token === '{')) brackets += 1;
    else if (!scalar && (token === ']' || token === '}')) brackets -= 1;
    else if (!scalar && (token === '-' || token === '?')) dashes += 1;
    else if (token.startsWith('\n') || token.startsWith('\r')) dashes = 0;
    if (brackets > deepest || dashes > deepest) return deep(at);
    // \x02, \x18 and \x1f are marks of the lexer that stand for no text.
    if (token !== '\x02' && token !== '\x18' && token !== '\x1f') at += token.length;
    previous = token;
  }
  return null;
}

function deep(at: number): Complaint {
  return { at, path: [], message: 'the nesting is too deep', expected: `at most ${deepest} levels` };
}

interface Walk {
  /** Anchors seen so far: walking in the order of the file, and cheaper than `alias.resolve`, which searches it each time. */
  readonly anchors: Map<string, unknown>;
  left: number;
  readonly complaints: Complaint[];
}

function convert(walk: Walk, node: unknown, around: number, depth: number): SourceNode {
  const at = startOf(node) ?? around;
  const nothing: SourceNode = { kind: 'scalar', at, value: null, source: '' };
  walk.left -= 1;
  if (walk.complaints.length > 0) return nothing;
  if (depth > deepest) {
    walk.complaints.push(deep(at));
    return nothing;
  }
  if (walk.left < 0) {
    walk.complaints.push({ at, path: [], message: 'too many values', expected: `at most ${most}, aliases counted` });
    return nothing;
  }
  if (isAlias(node)) return follow(walk, node, at, depth);
  if ((isSeq(node) || isMap(node) || isScalar(node)) && node.anchor !== undefined) walk.anchors.set(node.anchor, node);
  if (isSeq(node)) return { kind: 'list', at, items: node.items.map((item) => convert(walk, item, at, depth + 1)) };
  if (isMap(node)) {
    const entries = node.items.map((pair): SourceEntry => {
      const keyAt = startOf(pair.key) ?? at;
      const key = isScalar(pair.key) ? pair.key : null;
      if (key === null) walk.complaints.push({ at: keyAt, path: [], message: 'a key must be text' });
      const name = typeof key?.value === 'string' ? key.value : (key?.source ?? '');
      return { key: name, keyAt, node: convert(walk, pair.value, keyAt, depth + 1) };
    });
    return { kind: 'map', at, entries };
  }
  if (!isScalar(node)) return nothing;
  const { value } = node;
  const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  return { kind: 'scalar', at, value: known, source: node.source ?? '' };
}

/** An alias stands for its anchor's value. One that contains itself ends at the depth limit. */
function follow(walk: Walk, alias: Alias, at: number, depth: number): SourceNode {
  const target = walk.anchors.get(alias.source);
  if (target !== undefined) return convert(walk, target, at, depth + 1);
  walk.complaints.push({ at, path: [], message: 'this alias names no anchor above it' });
  return { kind: 'scalar', at, value: null, source: '' };
}

function startOf(node: unknown): number | undefined {
  return isAlias(node) || isSeq(node) || isMap(node) || isScalar(node) ? node.range?.[0] : undefined;
}
