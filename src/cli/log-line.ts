import type { Description, Level } from '../control/describe.ts';
import { printable } from '../core/model/printable.ts';
import { paint, type Tone } from './terminal.ts';

/** A line of the log: a description, and when it was true. */
export interface LogLine extends Description {
  /** ms since the epoch. */
  readonly at: number;
}

const tones: Readonly<Record<Level, Tone | null>> = { debug: 'quiet', info: null, warn: 'uneasy', error: 'bad' };

/** A line as people read it: local date and time, then the text, coloured by level. */
export function formatLine({ at, level, text }: LogLine, colour: boolean): string {
  const tone = tones[level];
  const mark = level === 'warn' ? '! ' : level === 'error' ? '!! ' : '';
  return `${paint(formatTime(at), 'quiet', colour)}  ${tone === null ? text : paint(`${mark}${text}`, tone, colour)}`;
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
