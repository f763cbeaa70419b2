import { contenderNames, type ContenderName, type Figure, ratio } from './figure.ts';

/** Rows of absolute figures, the first row being the header. Contenders that no figure measured are left out. */
export function absoluteRows(figures: readonly Figure[]): string[][] {
  const columns = present(figures);
  const rows = figures.map((figure) => [
    figure.title,
    figure.unit,
    ...columns.map((name) => cell(figure.values[name], figure.digits)),
  ]);
  return [['measure', 'unit', ...columns.map(title)], ...rows];
}

/** Rows of each contender's figure divided by that of `ssh -N -L`, the first row being the header. */
export function ratioRows(figures: readonly Figure[]): string[][] {
  const columns = present(figures).filter((name) => name !== 'ssh');
  const rows = figures
    .filter((figure) => columns.some((name) => ratio(figure, name, 'ssh') !== null))
    .map((figure) => [
      figure.title,
      ...columns.map((name) => {
        const value = ratio(figure, name, 'ssh');
        return value === null ? '' : `${value.toFixed(2)}x`;
      }),
    ]);
  return [['measure', ...columns.map(title)], ...rows];
}

/** A Markdown table whose columns are padded, so that a terminal shows it well too. */
export function markdown(rows: readonly (readonly string[])[]): string {
  const [header, ...body] = rows;
  if (header === undefined) return '';
  const widths = header.map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(row[column] ?? '', width, column)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header), rule, ...body.map(line)].join('\n');
}

const pad = (text: string, width: number, column: number): string =>
  column === 0 ? text.padEnd(width) : text.padStart(width);

function present(figures: readonly Figure[]): ContenderName[] {
  return contenderNames.filter((name) => figures.some((figure) => figure.values[name] !== undefined));
}

const title = (name: ContenderName): string => (name === 'ssh' ? 'ssh -N -L' : name);

function cell(value: number | string | undefined, digits: number): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : value.toFixed(digits);
}
