import { defaultKeepalive, detectTime } from '../core/model/config.ts';
import { formatAddress } from '../core/model/endpoint.ts';
import { printable } from '../core/model/printable.ts';
import type { Explanation } from '../core/ssh/resolve/explanation.ts';
import type { HostConfig } from '../core/ssh/resolve/host-config.ts';
import { paint } from './terminal.ts';
import { foldLines, wrapText } from './wrap-text.ts';

/** How an explanation is shown. */
export interface SheetView {
  readonly colour: boolean;
  /** Width to keep within. */
  readonly room: number;
  /** Shown as `~`. */
  readonly home: string;
}

/** An explanation for people, a setting a line with the place that set it. Pure. */
export function drawExplanation(explanation: Explanation, { colour, home, room }: SheetView): string {
  const { host, config, route, settings, ignored, refusal } = explanation;
  const short = (at: string) => (at.startsWith(`${home}/`) ? `~${at.slice(home.length)}` : at);
  const title = (text: string) => paint(text, 'strong', colour);
  const via = route.map((hop) => `${printable(hop.alias)} (${target(hop)}${commandOf(hop)})`).join(', ');
  const used = [
    ...settings.map(({ keyword, text, at }) => {
      const shown = keyword.endsWith('file') ? text.split(' ').map(short).join(' ') : text;
      return [keyword, shown, at === null ? 'default' : short(at)] as const;
    }),
    ['keepalive', ...keepaliveOf(config)] as const,
  ];
  const left = ignored.map(
    ({ keyword, value, at, why, warning }) =>
      [`${warning === null ? '' : '! '}${keyword}`, value, short(at), why] as const,
  );
  const refused = refusal === null ? [] : [`ssh itself would not connect: ${refusal}`];
  const warnings = [...refused, ...config.warnings].map((text) => {
    const lines = wrapText(printable(short(text)), room - 4);
    return `  ${paint('!', 'uneasy', colour)} ${lines.join('\n    ')}`;
  });
  const through = via === '' ? '' : `, reached through ${via}`;
  const name = printable(host);
  const first = foldLines(`${name} is ${target(config)}${commandOf(config)}${through}`, room);
  return `${[
    first.replace(name, () => title(name)),
    '',
    ...columns(used, colour, room),
    ...(left.length === 0 ? [] : ['', title('Set there, and no part of a relay'), ...columns(left, colour, room)]),
    ...(warnings.length === 0 ? [] : ['', title('Mind'), ...warnings]),
  ].join('\n')}\n`;
}

/** An explanation for programs. */
export function plainExplanation({ host, config, route, settings, ignored, refusal }: Explanation): unknown {
  return {
    host,
    target: target(config),
    route: route.map((hop) => ({ host: hop.alias, target: target(hop) })),
    settings: settings.map(({ keyword, text, at }) => ({ keyword, value: text, at })),
    ignored,
    keepalive: config.keepalive,
    warnings: config.warnings,
    refusal,
    files: config.files,
  };
}

function target(host: HostConfig): string {
  return printable(formatAddress(host));
}

/** No port is connected to then: the command makes the connection. */
function commandOf({ proxyCommand }: HostConfig): string {
  return proxyCommand === null ? '' : ', reached by its ProxyCommand';
}

function keepaliveOf({ keepalive }: HostConfig): readonly [value: string, why: string] {
  const { interval, count } = keepalive ?? defaultKeepalive;
  const why =
    keepalive === null
      ? "towline's own: ssh_config sets none, and 0 would never notice a dead link"
      : 'unless the relay sets its own';
  const found = detectTime({ interval, count }) / 1_000;
  return [`${interval / 1_000} s x ${count}, dead after ${found} s`, why];
}

/** Where a text begins that has no room to the right of the columns before it. */
const below = 6;
/** Least width of a text that goes on to the right of those, characters. */
const narrow = 24;

/** Columns as wide as they need to be, save for values that are very long. A last one that does not fit goes on below. */
function columns(rows: readonly (readonly string[])[], colour: boolean, room: number): readonly string[] {
  const most = [30, 44, 60];
  const widths = most.map((limit, index) =>
    Math.min(limit, Math.max(0, ...rows.map((row) => (row[index] ?? '').length))),
  );
  return rows.map((row) => {
    const cells = row.slice(0, -1).map((text, index) => printable(text).padEnd(widths[index] ?? 0));
    const start = 2 + cells.reduce((sum, cell) => sum + cell.length + 2, 0);
    const last = printable(row.at(-1) ?? '');
    const beside = last.length <= room - start || room - start >= narrow;
    const indent = beside ? start : below;
    const lines = wrapText(last, room - indent).map((line) => paint(line, 'quiet', colour));
    const shown = cells.map((cell, index) => (index === 1 ? cell : paint(cell, 'quiet', colour)));
    return `  ${shown.join('  ')}${beside ? '  ' : `\n${' '.repeat(below)}`}${lines.join(`\n${' '.repeat(indent)}`)}`;
  });
}
