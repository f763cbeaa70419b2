import { shownBack, worseThan } from './compare.ts';
import type { Measured, Results } from './results.ts';
import { type FaultRow, show, type Verdict } from './row.ts';
import { rivalNames } from './scene.ts';
import { inOrder } from './rounds.ts';
import type { Met } from './seen.ts';
import { drawPromises } from './promises.ts';
import { drawProofs } from './proofs.ts';

/** Draws all that was measured as Markdown: every line of the page, from rows and results alone. Pure. */
export function drawPage(rows: readonly FaultRow[], results: Results): string {
  const told = rows.flatMap((row) => {
    const measured = results.rows[row.id];
    return measured === undefined ? [] : [{ row, measured }];
  });
  const missing = rows.filter(({ id }) => results.rows[id] === undefined).map(({ id }) => id);
  const parts = [
    intro,
    [...machines(told.map(({ measured }) => measured)), ...notMeasured(missing)].join('\n'),
    table(told),
    drawWorse(told),
  ];
  parts.push(drawPromises(results));
  if (results.proofs !== undefined) parts.push(drawProofs(results.proofs));
  return `${parts.join('\n\n')}\n`;
}

type Told = readonly { readonly row: FaultRow; readonly measured: Measured }[];

const intro = `# Faults, measured

Written by \`npm run bench:faults\`, no line by hand: each fault meets towline, \`ssh -N -L\` in a loop, and autossh (\`-M 0\`, keepalive 5 s x 3) in
the same run, on one sshd, over a road each. The rows are numbered as the fault tests are (\`test/faults\`), which try more than can be compared: a
launched backend, a plugin, a reload or a full state folder has nobody to be compared with. What is about keys, logins, files, names and the limits
of a machine was tried with towline alone: there it is not who comes back sooner, but what is said, and what goes on.

Where all meet a fault together, one connection of each is open and busy when it comes, and from then on a new client comes each 0.25 s with 30 s
of patience. A cell says how long after the fault somebody *noticed* it (towline: its first event; ssh: its end), what became of the *open*
connection and how long after the fault (a *reset* tells its client, an *end* looks like success), how many of the new clients *failed*, and how
long after the *end* of the fault the first one who came after it was answered (*back*). Who is back sooner after a fault that keeps everybody
out for a while is a matter of where in his next try its end meets each: such faults are met three times, each time 1.9 s longer. Then *back* is
the median, with its span, the clients are counted together, and of what was noticed the latest stands there, of the open connections the worst
end and the latest. Other cells say what they count.

Rows may be measured in parts, each in a quiet moment (\`npm run bench:faults -- --only 'F0[1-9]' --out docs/fault-times.md\`): the figures lie in
[fault-times.json](fault-times.json), and the last column says when each row was measured, at which commit, and the machine's load as it began.`;

/** What the figures were measured with; where that differs, for which rows. */
function machines(measured: readonly Measured[]): readonly string[] {
  const lines = [...new Set(measured.flatMap(({ machine, programs }) => [machine, programs]))];
  if (lines.length <= 2) return lines.map((line) => `- ${line}`);
  const runs = new Map<string, string[]>();
  for (const { id, machine, programs } of measured) {
    const key = `${machine}; ${programs}`;
    runs.set(key, [...(runs.get(key) ?? []), id]);
  }
  return [...runs].map(([key, ids]) => `- ${key}: ${ids.join(', ')}`);
}

const notMeasured = (ids: readonly string[]): readonly string[] =>
  ids.length === 0 ? [] : [`- not measured yet: ${ids.join(', ')}`];

function table(told: Told): string {
  const lines = told.map(({ row, measured }) => {
    const cells = rivalNames.map((name) => cell(measured.seen[name]));
    return `| ${[row.id, row.title, row.sees, ...cells, when(measured)].join(' | ')} |`;
  });
  const names = ['', 'fault', 'who uses towline sees', ...rivalNames, 'measured'];
  return [`| ${names.join(' | ')} |`.replace('|  |', '| |'), `|${names.map(() => '---').join('|')}|`, ...lines].join(
    '\n',
  );
}

const when = ({ date, commit, load }: Measured): string => `${date}, ${commit}, load ${load.toFixed(2)}`;

function cell(seen: Met | Verdict | undefined): string {
  if (seen === undefined) return 'not run';
  if ('text' in seen) return seen.text;
  const { tried, failed, back } = seen.newcomers;
  return [
    seen.noticed === null ? 'noticed nothing' : `noticed after ${show(seen.noticed)}${atMost(seen)}`,
    shownOpen(seen),
    `${failed} of ${tried} failed`,
    shownBack(back) + shownSpan(seen),
  ].join('; ');
}

const atMost = ({ rounds }: Pick<Met, 'rounds'>): string => (rounds === undefined ? '' : ' at most');

function shownOpen({ open: { how, after }, rounds }: Met): string {
  if (after === null) return 'open lives';
  if (rounds === undefined) return `open: ${how} after ${show(after)}`;
  return `open: ${how} in ${rounds.lost} of ${rounds.count}, after ${show(after)}${atMost({ rounds })}`;
}

function shownSpan({ rounds }: Met): string {
  if (rounds === undefined) return '';
  const sorted = inOrder(rounds.backs).map((back) => (back === null ? 'never' : show(back)));
  return ` (${rounds.count} times: ${sorted[0]} to ${sorted.at(-1)})`;
}

function drawWorse(told: Told): string {
  const lines = told.flatMap(({ row, measured }) => {
    const worse = worseThan(measured.seen);
    return [...new Set(worse.map(({ what }) => what))].map((what) => {
      const texts = worse.filter((one) => one.what === what).map(({ text }) => text);
      return `- ${row.id}, ${row.title}: ${texts.join('; ')}. ${row.why?.[what] ?? 'Cause not known.'}`;
    });
  });
  const some = `Each row in which towline is worse than ssh or autossh, with both figures and the cause. A client comes each quarter of a second, so
that a difference of 0.3 s is none there; where one thing is timed, none is a quarter and 5 ms;
of memory it is a tenth, and of logins none.`;
  const none = 'In no row that was measured is towline worse than ssh or autossh.';
  return `## Worse\n\n${lines.length === 0 ? none : `${some}\n\n${lines.join('\n')}`}`;
}
