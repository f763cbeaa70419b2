import Table from 'cli-table3';
import { formatEnds } from '../core/model/endpoint.ts';
import { printable } from '../core/model/printable.ts';
import type { Word } from '../core/model/state.ts';
import type { DaemonStatus, RelayStatus } from '../core/model/status.ts';
import { formatChange } from '../control/change-text.ts';
import { formatAge } from '../control/quantity.ts';
import { paint, type Tone } from './terminal.ts';
import { wrapText } from './wrap-text.ts';

/** How to draw. */
export interface View {
  readonly now: number;
  readonly colour: boolean;
  readonly columns: number;
}

/** The colour of each word. */
export const toneOf: Readonly<Record<Word, Tone>> = {
  offline: 'quiet',
  connecting: 'uneasy',
  connected: 'good',
  degraded: 'uneasy',
  reconnecting: 'uneasy',
  draining: 'uneasy',
  blocked: 'bad',
};

/** The largest width of a table: what a person reads at a glance. */
const widest = 160;

/** Draws the status of all relays: a line for each forward, and the reason below where something is not well. Pure. */
export function drawStatus(status: DaemonStatus, view: View): string {
  const stopping = status.stopping ? ', stopping' : '';
  const up = formatAge(view.now - status.since);
  const title = `towline ${status.version}, pid ${status.pid}, up ${up}${stopping}, ${printable(status.config)}`;
  const body = status.relays.length === 0 ? 'the config has no relays\n' : drawRelays(status.relays, view);
  const lines = wrapText(title, Math.min(widest, view.columns)).map((line) => paint(line, 'quiet', view.colour));
  return `${[...lines, ...pendingLines(status, view)].join('\n')}\n\n${body}`;
}

/** That the file is not what runs, and why. */
function pendingLines({ pending }: DaemonStatus, { columns, colour }: View): readonly string[] {
  if (pending === null) return [];
  const cuts = pending.fault === null ? pending.cuts.join(', ') : '';
  const text =
    pending.fault === null
      ? `the config file has changed (${formatChange(pending)}); it is not taken over, since ${cuts} would lose ${pending.fault === null && pending.cuts.length > 1 ? 'their links' : 'its link'}: \`towline reload\` does it`
      : `the config file cannot be used, and what ran goes on: ${pending.fault.message} [${pending.fault.code}]`;
  return wrapText(`! ${printable(text)}`, Math.min(widest, columns)).map((line) => paint(line, 'uneasy', colour));
}

const titles = ['RELAY', 'STATE', 'FORWARD', 'FOR', 'OPEN'];

/** Columns are two spaces apart, without lines: it reads like `ls -l`, and cuts well. */
const bare = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

function drawRelays(relays: readonly RelayStatus[], { now, colour, columns }: View): string {
  const rows = relays.map((relay) => ({ relay, lines: linesOf(relay, now) }));
  const cells = [titles, ...rows.flatMap(({ lines }) => lines)];
  const widths = titles.map((_, column) => 2 + Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const others = widths.reduce((sum, width) => sum + width, 0) - (widths[2] ?? 0);
  widths[2] = Math.max(16, Math.min(widths[2] ?? 0, Math.min(widest, columns) - others));
  // Under a narrow table a long reason would be squeezed into a column of words: the last column takes the rest.
  const spare = Math.min(widest, columns) - others - (widths[2] ?? 0);
  widths[4] = (widths[4] ?? 0) + Math.max(0, spare);
  const table = new Table({
    colWidths: widths,
    chars: bare,
    style: { 'padding-left': 0, 'padding-right': 2, compact: true },
    wordWrap: true,
  });
  table.push(titles.map((title) => paint(title, 'quiet', colour)));
  for (const { relay, lines } of rows) {
    for (const [name = '', state = '', route = '', ...rest] of lines) {
      // On a narrow terminal a way breaks at its arrow, and an address, which has no words, where the column ends.
      const narrow = route.length > (widths[2] ?? 0) - 2;
      const forward = { content: narrow ? route.replace(' -> ', '\n-> ') : route, wrapOnWordBoundary: false };
      table.push([paint(name, 'strong', colour), paint(state, toneOf[relay.standing.word], colour), forward, ...rest]);
    }
    const reason = noteOf(relay, now);
    if (reason !== '') {
      const width = widths.slice(1).reduce((sum, one) => sum + one, 0) - 2;
      // Broken here, where commands stay whole; what is wider by itself the table would cut.
      const lines = wrapText(reason, width).flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gsu')) ?? []);
      table.push(['', { content: lines.map((line) => paint(line, 'quiet', colour)).join('\n'), colSpan: 4 }]);
    }
  }
  return `${table.toString().replace(/ +$/gm, '')}\n`;
}

/** One line for each forward; the relay's own facts stand on the first. */
function linesOf(relay: RelayStatus, now: number): readonly string[][] {
  const { open, held } = relay.counters;
  const first = [relay.name, wordOf(relay)];
  const last = [formatAge(now - relay.since), held === 0 ? String(open) : `${open} (${held} held)`];
  return relay.forwards.map((forward, index) => {
    const route = formatEnds(forward);
    return index === 0 ? [...first, route, ...last] : ['', '', route, '', ''];
  });
}

/** The word; a connected relay has no reason below it, so what little there is to say stands beside. */
export function wordOf({ standing }: RelayStatus): string {
  return standing.word === 'connected' && standing.reason !== ''
    ? `${standing.word}, ${standing.reason}`
    : standing.word;
}

/** What stands below a relay: why it is not well, or that there is more to know. */
function noteOf(relay: RelayStatus, now: number): string {
  const counts = [count(relay.warnings.length, 'warning'), count(Object.values(relay.notes).flat().length, 'note')];
  const said = counts.filter((part) => part !== '').join(' and ');
  const more = said === '' ? '' : `${said}, see \`towline status ${relay.name}\``;
  return [reasonOf(relay, now), more].filter((part) => part !== '').join('; ');
}

/** A warning is about towline's own work, a note about what a plugin saw on the host. */
function count(length: number, what: string): string {
  return length === 0 ? '' : `${length} ${what}${length === 1 ? '' : 's'}`;
}

/** Why the word is what it is, with the code and the next try; empty where there is nothing to add. */
export function reasonOf({ name, standing, lastFault, since, lanes }: RelayStatus, now: number): string {
  const { word, reason, fault, until } = standing;
  if (word === 'connected' || word === 'offline') return '';
  const code = fault === null ? '' : ` [${fault.code}]`;
  // A launch may take minutes: how many of them have passed is half of the news. A pause tells of its try by itself.
  const trying = fault === null ? lanes.find((lane) => lane.bringing !== null) : undefined;
  const paused = trying?.stage === 'pause';
  const bringing = paused ? null : (trying?.bringing ?? null);
  const long = bringing === null ? '' : `, ${formatAge(now - bringing.since)} so far`;
  // During an attempt the reason is its stage; why there had to be another one is still what the user asks.
  const last = lastFault !== null && lastFault.at >= since ? lastFault : null;
  const before = fault === null && !paused ? (bringing?.fault ?? last) : null;
  const after = before === null ? '' : `; before: ${printable(before.message)} [${before.code}]`;
  const next = until === null ? '' : `, next try ${until <= now ? 'now' : `in ${formatAge(until - now + 999)}`}`;
  // Who has mended what only the server knows need not wait for it.
  const sooner =
    (word === 'blocked' || word === 'degraded') && until !== null ? `, or at once with \`towline start ${name}\`` : '';
  return `${printable(reason)}${code}${long}${next}${sooner}${after}`;
}
