import Table from 'cli-table3';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import type { DetectedHost } from '../core/ssh/hosts/detect.ts';
import { bare } from './status-table.ts';
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

/** The widest of the columns that may be broken, characters. */
const widest = [32, 48, 16, 24, 32];
/** What they are at least, where the terminal is narrow. */
const least = [10, 14, 7, 8, 12];

/** Draws the detected hosts, a line each, with the reason below one that cannot be resolved. Pure. */
export function drawHosts(hosts: readonly ShownHost[], hashed: number, view: HostsView): string {
  const { colour } = view;
  const used = hosts.some(({ relays }) => relays.length > 0);
  const columns = titles.map((_, column) => column).filter((column) => used || column !== 3);
  const rows = hosts.map((host) => ({ host, cells: cellsOf(host, view.home) }));
  const widths = fit(
    columns,
    rows.map(({ cells }) => cells),
    view.columns,
  );
  const table = new Table({
    colWidths: widths,
    chars: bare,
    style: { 'padding-left': 0, 'padding-right': 2, compact: true },
    wordWrap: true,
  });
  table.push(columns.map((column) => paint(titles[column] ?? '', 'quiet', colour)));
  for (const { host, cells } of rows) {
    const fault = host.reaches instanceof Fault ? host.reaches : null;
    table.push(
      columns.map((column, index) => {
        const cell = wrap(cells[column] ?? '', (widths[index] ?? 2) - 2);
        const tone = toneOf(host, column);
        return tone === null ? cell : paint(cell, tone, colour);
      }),
    );
    if (fault === null) continue;
    const content = paint(`${printable(fault.message)} [${fault.code}]`, 'bad', colour);
    table.push(['', { content, colSpan: columns.length - 1 }]);
  }
  const body = hosts.length === 0 ? '' : `${table.toString().replace(/ +$/gm, '')}\n\n`;
  return `${body}${paint(summary(hosts, hashed), 'quiet', colour)}\n`;
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

function toneOf({ reaches, key }: ShownHost, column: number): Tone | null {
  if (column === 0) return 'strong';
  if (column === 1) return reaches instanceof Fault ? 'bad' : null;
  if (column === 2) return key.state === 'known' ? 'good' : 'quiet';
  return column === 4 ? 'quiet' : null;
}

/** Widths with two spaces behind each column; too much for the terminal is taken from the widest ones. */
function fit(columns: readonly number[], rows: readonly (readonly string[])[], terminal: number): number[] {
  const widths = columns.map((column) =>
    Math.min(
      widest[column] ?? 0,
      Math.max(titles[column]?.length ?? 0, ...rows.map((row) => row[column]?.length ?? 0)),
    ),
  );
  const room = terminal - 2 * columns.length;
  for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; over -= 1) {
    const spare = widths.map((width, index) => width - (least[columns[index] ?? 0] ?? 0));
    const most = spare.indexOf(Math.max(...spare));
    if ((spare[most] ?? 0) <= 0) break;
    widths[most] = (widths[most] ?? 0) - 1;
  }
  return widths.map((width) => width + 2);
}

/** Breaks a cell at its spaces, and a word that is too long anywhere: the table's own way would count the codes of colours. */
function wrap(cell: string, width: number): string {
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
  return [...lines, line].join('\n');
}

function shorten(place: string, home: string): string {
  return place.startsWith(`${home}/`) ? `~${place.slice(home.length)}` : place;
}

function summary(hosts: readonly ShownHost[], hashed: number): string {
  const declared = hosts.filter(({ source }) => source === 'ssh_config').length;
  const unsearched = hosts.filter(({ key }) => key.state === 'unsearched').length;
  return [
    `${count(declared, 'host')} in ssh_config, ${hosts.length - declared} more in known_hosts`,
    ...(hashed === 0
      ? []
      : [`${count(hashed, 'entry')} of known_hosts ${hashed === 1 ? 'is' : 'are'} hashed and cannot be named`]),
    ...(unsearched === 0 ? [] : [`? = too many hashed entries to look for the keys of ${count(unsearched, 'host')}`]),
  ].join('\n');
}

function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`;
  return `${number} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}
