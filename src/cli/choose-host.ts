import { type Parsed, quote } from '../core/config/problem.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import type { DetectedHost } from '../core/ssh/hosts/detect.ts';
import type { Dialogue } from './dialogue.ts';
import { readHost } from './relay-answers.ts';
import { paint, type Terminal } from './terminal.ts';
import { foldLines, wrapText } from './wrap-text.ts';

/** How many hosts are shown at once; a part of a name finds the others. */
const most = 15;

/** How the list is shown. */
export type ChoiceView = Pick<Terminal, 'colour' | 'room'>;

/** What an answer to the list means: a host, or the hosts that it fits. */
export type Choice = { readonly host: string } | { readonly among: readonly DetectedHost[] };

/** Asks for a host: one of those that ssh knows, by its number or a part of its name, or any other one. Null: the person has left. */
export async function chooseHost(
  known: readonly DetectedHost[],
  dialogue: Dialogue,
  view: ChoiceView,
): Promise<string | null> {
  let offered = known;
  while (true) {
    if (offered.length > 0) dialogue.say(drawChoices(offered, known.length, view));
    const text = 'Host';
    const choice = await dialogue.ask({ text, otherwise: null, read: (answer) => readChoice(answer, offered, known) });
    if (choice === null || 'host' in choice) return choice === null ? null : choice.host;
    const [only] = choice.among;
    if (only === undefined || choice.among.length > 1) {
      offered = choice.among;
      continue;
    }
    const sure = await dialogue.confirm(`  ${labelOf(only)}?`, true);
    if (sure === null) return null;
    // Read once more, as its whole name: a config may not name every host that ssh_config may.
    const parsed = readHost(only.host);
    if (sure && 'value' in parsed) return parsed.value;
    if (sure && 'trouble' in parsed)
      dialogue.say(foldLines(`  ${parsed.trouble.message}; expected ${parsed.trouble.expected}`, view.room));
    offered = known;
  }
}

/** Reads an answer: a number of the offered list, a name, a part of one, `=name` for a name as it stands, or a destination. */
export function readChoice(
  answer: string,
  offered: readonly DetectedHost[],
  known: readonly DetectedHost[],
): Parsed<Choice> {
  const literal = answer.startsWith('=') ? answer.slice(1) : null;
  const exact = literal === null ? known.find(({ name, host }) => name === answer || host === answer) : undefined;
  if (exact !== undefined) return take(exact.host);
  if (literal === null && /^\d+$/.test(answer)) {
    const chosen = offered.slice(0, most)[Number(answer) - 1];
    if (chosen !== undefined) return take(chosen.host);
    const expected = 'a number of the list, a part of a name, or [user@]host[:port]';
    return { trouble: { message: `there is no ${quote(answer)} in the list`, expected } };
  }
  const part = answer.toLowerCase();
  const fitting =
    literal === null && answer !== '' ? known.filter(({ name }) => name.toLowerCase().includes(part)) : [];
  if (fitting.length > 0) return { value: { among: fitting } };
  return take(literal ?? answer);
}

/** ssh_config may name a host that a config may not. */
function take(host: string): Parsed<Choice> {
  const parsed = readHost(host);
  return 'value' in parsed ? { value: { host: parsed.value } } : parsed;
}

function drawChoices(offered: readonly DetectedHost[], all: number, { colour, room }: ChoiceView): string {
  const shown = offered.slice(0, most);
  const width = Math.max(...shown.map(({ name }) => printable(name).length));
  const rows = shown.map((host, index) => {
    const address = host.reaches instanceof Fault ? `cannot be resolved [${host.reaches.code}]` : wayOf(host.reaches);
    const lines = wrapText(printable(address), room - width - 8).map((line) => paint(line, 'quiet', colour));
    const shown = lines.join(`\n${' '.repeat(width + 8)}`);
    return `  ${String(index + 1).padStart(2)}  ${printable(host.name).padEnd(width)}  ${shown}`;
  });
  const rest = offered.length - shown.length;
  const title = offered.length === all ? 'Hosts that ssh knows:' : 'Those fit:';
  const more = rest === 0 ? [] : [`      and ${rest} more`];
  const how = wrapText(
    'A number, a part of a name, or another [user@]host[:port]; "=dev" is the host dev itself.',
    room,
  );
  return [title, ...rows, ...more, ...how.map((line) => paint(line, 'quiet', colour))].join('\n');
}

function labelOf({ name, reaches }: DetectedHost): string {
  return reaches instanceof Fault ? printable(name) : `${printable(name)} (${printable(wayOf(reaches))})`;
}

function wayOf({ address, via }: Exclude<DetectedHost['reaches'], Fault>): string {
  return via.length === 0 ? address : `${address} via ${via.join(', ')}`;
}
