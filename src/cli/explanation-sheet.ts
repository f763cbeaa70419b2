import { defaultKeepalive } from '../core/model/config.ts';
import { formatAddress } from '../core/model/endpoint.ts';
import { printable } from '../core/model/printable.ts';
import type { Explanation } from '../core/ssh/resolve/explanation.ts';
import type { HostConfig } from '../core/ssh/resolve/host-config.ts';
import { paint } from './terminal.ts';

/** How an explanation is shown. */
export interface SheetView {
  readonly colour: boolean;
  /** Shown as `~`. */
  readonly home: string;
}

/** An explanation for people, a setting a line with the place that set it. Pure. */
export function drawExplanation(explanation: Explanation, { colour, home }: SheetView): string {
  const { host, config, route, settings, ignored, refusal } = explanation;
  const short = (at: string) => (at.startsWith(`${home}/`) ? `~${at.slice(home.length)}` : at);
  const title = (text: string) => paint(text, 'strong', colour);
  const via = route.map((hop) => `${printable(hop.alias)} (${target(hop)})`).join(', ');
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
  const warnings = [...refused, ...config.warnings].map(
    (text) => `  ${paint('!', 'uneasy', colour)} ${printable(short(text))}`,
  );
  return `${[
    `${title(printable(host))} is ${target(config)}${via === '' ? '' : `, reached through ${via}`}`,
    '',
    ...columns(used, colour),
    ...(left.length === 0 ? [] : ['', title('Set there, and no part of a relay'), ...columns(left, colour)]),
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

function keepaliveOf({ keepalive }: HostConfig): readonly [value: string, why: string] {
  const { interval, count } = keepalive ?? defaultKeepalive;
  const why =
    keepalive === null
      ? "towline's own: ssh_config sets none, and 0 would never notice a dead link"
      : 'unless the relay sets its own';
  return [`${interval / 1_000} s x ${count}`, why];
}

/** Columns as wide as they need to be, save for values that are very long. */
function columns(rows: readonly (readonly string[])[], colour: boolean): readonly string[] {
  const most = [30, 44, 60];
  const widths = most.map((limit, index) =>
    Math.min(limit, Math.max(0, ...rows.map((row) => (row[index] ?? '').length))),
  );
  return rows.map((row) => {
    const cells = row.map((text, index) => {
      const shown = printable(text);
      const cell = index === row.length - 1 ? shown : shown.padEnd(widths[index] ?? 0);
      return index === 1 ? cell : paint(cell, 'quiet', colour);
    });
    return `  ${cells.join('  ')}`;
  });
}
