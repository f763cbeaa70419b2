import type { Figure } from './figure.ts';
import { absoluteRows, markdown, ratioRows } from './table.ts';
import { judge, targets } from './targets.ts';

/** Everything that a report says. */
export interface Findings {
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
  readonly machine: readonly string[];
  readonly command: string;
  /** Whether ssh2's native addon is loaded in towline's worker; null when towline did not start. */
  readonly addon: boolean | null;
}

/** The report as Markdown: figures, ratios, targets, and what the figures rest on. */
export function report({ figures, notes, machine, command, addon }: Findings): string {
  const judged = targets(addon === true).map((target) => judge(target, figures));
  const verdict = (met: boolean | null): string => (met === null ? '-' : met ? 'met' : 'NOT MET');
  const rows = [
    ['target', 'measured', 'verdict'],
    ...judged.filter(({ met }) => met !== null).map(({ text, got, met }) => [text, got, verdict(met)]),
  ];
  const unmeasured = judged.filter(({ met }) => met === null).map(({ text }) => text);
  const parts = [
    '# towline beside ssh, autossh and tunnel-ssh',
    [
      `Made by \`${command}\`: everything on loopback, one real sshd with default settings, all contenders in one run, in turn.`,
      '',
      ...machine,
      `- ssh2's native addon: ${addon === null ? 'unknown, towline did not start' : addon ? 'loaded' : 'not loaded'}`,
    ].join('\n'),
    '## Figures',
    markdown(absoluteRows(figures)),
    '## Beside ssh -N -L',
    markdown(ratioRows(figures)),
    '## Targets of towline',
    markdown(rows),
    unmeasured.length === 0 ? '' : `Not measured in this run: ${unmeasured.join('; ')}.`,
    '## Notes',
    [...new Set(notes)].map((note) => `- ${note}`).join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
