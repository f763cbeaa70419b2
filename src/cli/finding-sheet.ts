import { printable } from '../core/model/printable.ts';
import type { Finding } from './finding.ts';
import { paint, type Tone } from './terminal.ts';
import { wrapText } from './wrap-text.ts';

const signs: Readonly<Record<Finding['state'], readonly [sign: string, tone: Tone]>> = {
  well: ['ok', 'good'],
  wait: ['..', 'uneasy'],
  mind: ['!', 'uneasy'],
  wrong: ['wrong', 'bad'],
};

/** Where the sentences begin. */
const indent = 21;

/** How a finding is shown. */
export interface FindingView {
  readonly colour: boolean;
  readonly columns: number;
}

/** A finding as people read it, and what to do below it; long sentences go on below their beginning. Pure. */
export function drawFinding(
  { step, where, state, text, fix, fault }: Finding,
  { colour, columns }: FindingView,
): string {
  const [sign, tone] = signs[state];
  // A fault names where it happened by itself.
  const place = where === '' || fault !== null ? '' : `${printable(where)}: `;
  const code = fault === null ? '' : ` [${fault.code}]`;
  const width = Math.max(30, columns - indent);
  const [first = '', ...rest] = wrapText(`${place}${printable(text)}${code}`, width);
  const advice = fix === null ? [] : wrapText(printable(fix), width - 3);
  return [
    `  ${paint(sign.padEnd(5), tone, colour)}  ${paint(step.padEnd(10), 'quiet', colour)}  ${first}`,
    ...rest.map((line) => `${' '.repeat(indent)}${line}`),
    ...advice.map((line, n) => `${' '.repeat(indent)}${n === 0 ? paint('->', 'strong', colour) : '  '} ${line}`),
    '',
  ].join('\n');
}
