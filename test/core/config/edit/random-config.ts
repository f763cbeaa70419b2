/** Numbers from 0 up to but not including `below`, the same ones for each seed (mulberry32). */
export type Dice = (below: number) => number;

/** Makes dice from a seed. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const names = ['dev-box', 'db', '80', 'true', 'a.b_c', 'null', '1e3', 'x', 'NOTEBOOK', 'y-1', 'no', '0x10'];

/** A valid config text, and the names of its relays. */
export interface RandomConfig {
  readonly text: string;
  readonly names: readonly string[];
}

/** JSON with any white space that RFC 8259 allows: tidy, in one line, or strewn. */
export function randomJson(roll: Dice): RandomConfig {
  const newline = roll(4) === 0 ? '\r\n' : '\n';
  const unit = ['  ', '    ', '\t', ' ', '   '][roll(5)] ?? '';
  const mode = roll(4);
  const loose = () => ['', ' ', '  ', '\t', newline, `${newline}\t `, `${newline}${newline}`][roll(7)] ?? '';
  const colon = [': ', ':', ' : ', ' :'][roll(4)] ?? '';
  const write = (value: unknown, depth: number): string => {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const list = Array.isArray(value);
    const [open, close] = list ? '[]' : '{}';
    const parts = [...(value instanceof Map ? value : Object.entries(value))].map(
      ([key, child]) =>
        `${list ? '' : `${JSON.stringify(key)}${mode === 3 ? `${loose()}:${loose()}` : colon}`}${write(child, depth + 1)}`,
    );
    if (parts.length === 0) return `${open}${mode === 3 ? loose() : ''}${close}`;
    if (mode === 3) return `${open}${parts.map((part) => loose() + part + loose()).join(',')}${close}`;
    if (mode === 2 || (mode === 1 && depth >= 2)) {
      const pad = unit.length % 2 === 0 ? ' ' : '';
      return `${open}${pad}${parts.join(roll(2) === 0 ? ', ' : ',')}${pad}${close}`;
    }
    const indent = newline + unit.repeat(depth + 1);
    return `${open}${indent}${parts.join(`,${indent}`)}${newline}${unit.repeat(depth)}${close}`;
  };
  const chosen = choose(roll, 1);
  // A Map keeps the order in which it was filled; an object would put "80" first.
  const relays = new Map(chosen.map((name, index) => [name, relayOf(roll, index)]));
  const others: readonly (readonly [string, unknown])[] = [
    ['defaults', { lanes: 1, hold: {} }],
    ['$schema', './schema.json'],
    ['sshConfig', null],
  ];
  const around = others.filter(() => roll(2) === 0);
  const text = write(new Map(around.toSpliced(roll(around.length + 1), 0, ['relays', relays])), 0);
  return {
    text: `${mode === 3 ? loose() : ''}${text}${['', newline, `${newline}${newline}`][roll(3)]}`,
    names: chosen,
  };
}

/** YAML in blocks or brackets, with comments: those that belong to no relay say `kept`. */
export function randomYaml(roll: Dice): RandomConfig {
  const newline = roll(5) === 0 ? '\r\n' : '\n';
  const step = 1 + roll(5);
  const spaced = roll(2) === 0;
  const kept = (indent: number) => (roll(3) === 0 ? [`${' '.repeat(indent)}# kept: {"a", b}`] : []);
  const tail = () => (roll(3) === 0 ? '   # said of it: x' : '');
  const chosen = choose(roll, 1);
  const inBrackets = roll(5) === 0;
  const lines: string[] = [...(roll(4) === 0 ? ['---'] : []), ...kept(0)];
  if (roll(3) === 0) lines.push('defaults: # kept', `${' '.repeat(step)}lanes: 1`, ...(spaced ? [''] : []));
  if (inBrackets) lines.push(...bracketLines(roll, chosen, kept));
  else {
    lines.push(`relays:${roll(3) === 0 ? ' # kept' : ''}`);
    for (const [index, name] of chosen.entries()) {
      if (index > 0 && spaced) lines.push('');
      lines.push(...kept(step), ...blockLines(roll, name, index, step, tail));
    }
    lines.push(...kept(step));
  }
  if (roll(3) === 0) lines.push(...(roll(2) === 0 ? [''] : []), ...kept(0), 'sshConfig: ~/x');
  lines.push(...kept(0), ...(roll(6) === 0 ? ['...'] : []));
  return { text: lines.join(newline) + (roll(3) === 0 ? '' : newline.repeat(1 + roll(3))), names: chosen };
}

function blockLines(roll: Dice, name: string, index: number, step: number, tail: () => string): string[] {
  const { host, forwards } = relayOf(roll, index);
  const [outer, inner] = [' '.repeat(step), ' '.repeat(step + 1 + roll(4))];
  const key = quoted(roll, name);
  const flow = forwards.map((forward) => JSON.stringify(forward)).join(', ');
  if (roll(4) === 0) return [`${outer}${key}: {host: ${host}, forwards: [${flow}]}${tail()}`];
  const lines = [`${outer}${key}:${tail()}`, `${inner}host: ${host}${tail()}`];
  if (roll(2) === 0) lines.push(`${inner}forwards: [${flow}]${tail()}`);
  else lines.push(`${inner}forwards:`, ...forwards.map((forward) => `${inner}  - ${JSON.stringify(forward)}${tail()}`));
  if (roll(3) === 0) {
    const style = ['|', '|+', '>-', '|2-'][roll(4)] ?? '|';
    lines.push(
      `${inner}plugins:`,
      `${inner}- use: audit`,
      `${inner}  note: ${style}`,
      `${inner}    text # no comment`,
      '',
      `${inner}    more`,
    );
    if (roll(2) === 0) lines.push('');
  }
  return roll(3) === 0 ? [...lines, `${inner}# inside`] : lines;
}

function bracketLines(roll: Dice, chosen: readonly string[], kept: (indent: number) => readonly string[]): string[] {
  const last = chosen.length - 1;
  const comma = (index: number) => (index < last || roll(2) === 0 ? ',' : '');
  const entry = (name: string, index: number) => {
    const { host, forwards } = relayOf(roll, index);
    return `${quoted(roll, name)}: { "host": ${host}, forwards: [${forwards.map((forward) => JSON.stringify(forward)).join(', ')}] }`;
  };
  if (roll(2) === 0) return [`relays: {${chosen.map((name, index) => entry(name, index) + comma(index)).join(' ')} }`];
  const lines = chosen.flatMap((name, index) => [
    ...kept(4),
    `    ${entry(name, index)}${comma(index)}${roll(3) === 0 ? ' # said of it' : ''}`,
  ]);
  return ['relays: {', ...lines, ...kept(4), '  }'];
}

function quoted(roll: Dice, name: string): string {
  return [name, JSON.stringify(name), `'${name}'`][roll(3)] ?? name;
}

function choose(roll: Dice, least: number): readonly string[] {
  const rest = [...names];
  return Array.from({ length: least + roll(4) }, () => rest.splice(roll(rest.length), 1)).flat();
}

function relayOf(roll: Dice, index: number): { readonly host: string; readonly forwards: readonly string[] } {
  const host = ['devbox', 'me@10.0.0.7:2222', 'h'][roll(3)] ?? 'h';
  return { host, forwards: Array.from({ length: 1 + roll(2) }, (_, at) => `${7000 + index * 10 + at}:db:80`) };
}
