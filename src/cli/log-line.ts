import type { Description, Level } from '../control/description.ts';
import { printable } from '../core/model/printable.ts';
import { paint, type Terminal, type Tone } from './terminal.ts';
import { wrapText } from './wrap-text.ts';

/** A line of the log: a description, and when it was true. */
export interface LogLine extends Description {
  /** ms since the epoch. */
  readonly at: number;
}

const tones: Readonly<Record<Level, Tone | null>> = { debug: 'quiet', info: null, warn: 'uneasy', error: 'bad' };

/** How far a long text goes on to the right of where its line begins. */
const indent = 4;

/** A line as people read it: local date and time, then the text, coloured by level, and going on below where it is longer than `room`. */
export function formatLine({ at, level, text }: LogLine, { colour, room }: Pick<Terminal, 'colour' | 'room'>): string {
  const tone = tones[level];
  const mark = level === 'warn' ? '! ' : level === 'error' ? '!! ' : '';
  const time = formatTime(at);
  const lines = wrapText(`${mark}${text}`, room - indent, room - time.length - 2);
  const shown = lines.map((line) => (tone === null ? line : paint(line, tone, colour)));
  return `${paint(time, 'quiet', colour)}  ${shown.join(`\n${' '.repeat(indent)}`)}`;
}

/** Reads back a line that the log wrote; null for anything else. */
export function parseLine(line: string): LogLine | null {
  try {
    const found: unknown = JSON.parse(line);
    if (typeof found !== 'object' || found === null || !('time' in found) || !('msg' in found)) return null;
    const at = Number(found.time);
    const level = 'level' in found ? levels(Number(found.level)) : 'info';
    return Number.isFinite(at) ? { at, level, text: printable(String(found.msg)) } : null;
  } catch {
    // A line that was cut by a full disk or by hand is no line.
    return null;
  }
}

/** pino's numbers. */
function levels(number: number): Level {
  if (number >= 50) return 'error';
  if (number >= 40) return 'warn';
  return number >= 30 ? 'info' : 'debug';
}

function formatTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
