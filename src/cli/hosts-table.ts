import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import type { DetectedHost } from '../core/ssh/hosts/detect.ts';
import { paint, type Tone } from './terminal.ts';

/** A detected host with the relays that use it. */
export interface ShownHost extends DetectedHost {
  readonly relays: readonly string[];
}

/** How to draw. */
export interface HostsView {
  readonly colour: boolean;
  readonly columns: number;
  /** Paths below it are shown with `~`. */
  readonly home: string;
}

const titles = ['HOST', 'REACHES', 'KEY', 'RELAYS', 'FOUND IN'];

/** Spaces between two columns. */
const gap = 2;

/** The widest of the columns that may be broken, characters. */
const widest = [32, 48, 17, 24, 32];
/** What they are at least, where the terminal is narrow. */
const least = [10, 14, 7, 8, 12];

/**
 * Draws the detected hosts, a line each, with the reason below one that cannot be resolved. Pure. Not by cli-table3, which takes
 * 0.5 s for 2,000 rows.
 */
export function drawHosts(hosts: readonly ShownHost[], hashed: number, { colour, columns, home }: HostsView): string {
  const used = hosts.some(({ relays }) => relays.length > 0);
  const shown = titles.map((_, column) => column).filter((column) => used || column !== 3);
  const rows = hosts.map((host) => ({ host, cells: cellsOf(host, home) }));
  const widths = fit(
    shown,
    rows.map(({ cells }) => cells),
    columns,
  );
  const [indent = 0] = widths;
  const line = (cells: readonly string[], toneOf: (column: number) => Tone | null) =>
    drawLine(
      shown.map((column, index) => ({ text: cells[column] ?? '', width: widths[index] ?? 0, tone: toneOf(column) })),
      colour,
    );
  const lines = rows.flatMap(({ host, cells }) => {
    const row = line(cells, (column) => toneIn(host, column));
    if (!(host.reaches instanceof Fault)) return [row];
    const why = wrap(`${printable(host.reaches.message)} [${host.reaches.code}]`, Math.max(columns - indent, 20));
    return [row, ...why.map((part) => ' '.repeat(indent) + paint(part, 'bad', colour))];
  });
  const table = lines.length === 0 ? '' : `${[line(titles, () => 'quiet'), ...lines].join('\n')}\n\n`;
  return `${table}${paint(summary(hosts, hashed), 'quiet', colour)}\n`;
}

/** A row of the table, as many lines as its longest cell needs. */
function drawLine(cells: readonly { text: string; width: number; tone: Tone | null }[], colour: boolean): string {
  const parts = cells.map(({ text, width }) => wrap(text, width - gap));
  const height = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: height }, (_, index) => {
    const row = cells.map(({ width, tone }, column) => {
      const part = parts[column]?.[index] ?? '';
      return (tone === null || part === '' ? part : paint(part, tone, colour)) + ' '.repeat(width - part.length);
    });
    return row.join('').trimEnd();
  }).join('\n');
}

function cellsOf({ name, reaches, key, relays, places }: ShownHost, home: string): readonly string[] {
  const via = reaches instanceof Fault ? [] : reaches.via.map(printable);
  const way = via.length > 0 ? ` via ${via.join(', ')}` : '';
  const command = !(reaches instanceof Fault) && reaches.command ? ' by a ProxyCommand' : '';
  const address = reaches instanceof Fault ? 'unresolved' : `${printable(reaches.address)}${way}${command}`;
  const [first = '', ...more] = places;
  const found = `${shorten(printable(first), home)}${more.length === 0 ? '' : ` +${more.length}`}`;
  return [printable(name), address, keyText(key), relays.join(', '), found];
}

function keyText({ state, types }: ShownHost['key']): string {
  switch (state) {
    case 'known':
      return types.map(shortType).join(' ');
    case 'authority':
      return 'authority';
    case 'none':
      return '-';
    case 'unsearched':
      return '?';
  }
}

/** `ssh-ed25519` as people say it: ed25519. */
function shortType(type: string): string {
  const plain = type.replace(/@openssh\.com$/, '').replace(/^ssh-/, '');
  return plain.replace(/^(sk-)?(?:ssh|ecdsa)-(?:sha2-nistp\d+|(ed25519))$/, (_, sk = '', ed = 'ecdsa') => `${sk}${ed}`);
}

function toneIn({ reaches, key }: ShownHost, column: number): Tone | null {
  if (column === 0) return 'strong';
  if (column === 1) return reaches instanceof Fault ? 'bad' : null;
  if (column === 2) return key.state === 'known' ? 'good' : 'quiet';
  return column === 4 ? 'quiet' : null;
}

/** Widths with the gap behind each column; too much for the terminal is taken from the widest ones. */
function fit(columns: readonly number[], rows: readonly (readonly string[])[], terminal: number): number[] {
  const longest = (column: number) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), titles[column]?.length ?? 0);
  const widths = columns.map((column) => Math.min(widest[column] ?? 0, longest(column)));
  const room = terminal - gap * columns.length;
  for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; over -= 1) {
    const spare = widths.map((width, index) => width - (least[columns[index] ?? 0] ?? 0));
    const most = spare.indexOf(Math.max(...spare));
    if ((spare[most] ?? 0) <= 0) break;
    widths[most] = (widths[most] ?? 0) - 1;
  }
  return widths.map((width) => width + gap);
}

/** Breaks a text at its spaces, and a word that is too long anywhere. */
function wrap(cell: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of cell.split(' ')) {
    if (line !== '' && line.length + 1 + word.length <= width) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  return [...lines, line];
}

function shorten(place: string, home: string): string {
  return place.startsWith(`${home}/`) ? `~${place.slice(home.length)}` : place;
}

function summary(hosts: readonly ShownHost[], hashed: number): string {
  const declared = hosts.filter(({ source }) => source === 'ssh_config').length;
  const unsearched = hosts.filter(({ key }) => key.state === 'unsearched').length;
  const scattered = hosts.some(({ places }) => places.length > 1);
  return [
    `${count(declared, 'host')} in ssh_config, ${hosts.length - declared} more in known_hosts`,
    ...(hashed === 0
      ? []
      : [`${count(hashed, 'entry')} of known_hosts ${hashed === 1 ? 'is' : 'are'} hashed and cannot be named`]),
    ...(scattered ? ['+1 = in one more place; `--json` names them all'] : []),
    ...(unsearched === 0 ? [] : [`? = too many hashed entries to look for the keys of ${count(unsearched, 'host')}`]),
  ].join('\n');
}

function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`;
  return `${number} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}
