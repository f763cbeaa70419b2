import type { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';

/** A fault as the user reads it on stderr: one sentence and its code; before it each problem of a config on its own line. */
export function formatFailure(fault: Fault, debug: boolean): string {
  const { problems, count } = fault.detail;
  const lines =
    fault.code === 'CONFIG_INVALID' && typeof problems === 'string'
      ? [...problems.split('\n').map(printable), `towline: ${tally(Number(count))} [CONFIG_INVALID]`]
      : [`towline: ${printable(fault.message)} [${fault.code}]`];
  if (debug) lines.push(fault.stack ?? '', fault.cause instanceof Error ? (fault.cause.stack ?? '') : '');
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

function tally(count: number): string {
  return `the config has ${count === 1 ? 'a problem' : `${count} problems`}; mend ${count === 1 ? 'that line' : 'those lines'}, then \`towline check\``;
}
