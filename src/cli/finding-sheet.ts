import { printable } from '../core/model/printable.ts';
import type { Finding } from './finding.ts';
import { paint, type Tone } from './terminal.ts';

const signs: Readonly<Record<Finding['state'], readonly [sign: string, tone: Tone]>> = {
  well: ['ok', 'good'],
  mind: ['!', 'uneasy'],
  wrong: ['wrong', 'bad'],
};

/** A finding as people read it: a line, and what to do on the next. Pure. */
export function drawFinding({ step, where, state, text, fix, fault }: Finding, colour: boolean): string {
  const [sign, tone] = signs[state];
  // A fault names where it happened by itself.
  const place = where === '' || fault !== null ? '' : `${printable(where)}: `;
  const code = fault === null ? '' : ` [${fault.code}]`;
  const line = `  ${paint(sign.padEnd(5), tone, colour)}  ${paint(step.padEnd(10), 'quiet', colour)}  ${place}${printable(text)}${code}`;
  return fix === null ? `${line}\n` : `${line}\n${' '.repeat(21)}${paint('->', 'strong', colour)} ${printable(fix)}\n`;
}
