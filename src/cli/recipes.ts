import type { Recipe } from '../core/model/backend.ts';
import { Fault } from '../core/model/fault.ts';
import { nearest } from '../core/model/nearest.ts';
import { printable } from '../core/model/printable.ts';
import { recipes as known } from '../plugins/recipes/recipes.ts';
import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { paint } from './terminal.ts';

/** `towline recipes [NAME]`: what is known of each backend, or what to write into the config for one. */
export async function recipes({ given, terminal }: Called): Promise<number> {
  const [name, json] = [readText(given, 'name'), readFlag(given, 'json')];
  const all = [...known.values()];
  if (name === null) {
    terminal.out(json ? `${JSON.stringify(all, null, 2)}\n` : drawAll(all, terminal.colour));
    return 0;
  }
  const recipe = known.get(name);
  if (recipe === undefined) {
    const near = nearest(name, [...known.keys()]);
    const hint = near === null ? `there are ${[...known.keys()].join(', ')}` : `did you mean ${near}?`;
    throw new Fault('USAGE', `there is no recipe "${printable(name)}"; ${hint}`);
  }
  terminal.out(json ? `${JSON.stringify(recipe, null, 2)}\n` : drawOne(recipe, terminal.colour));
  return 0;
}

function drawAll(all: readonly Recipe[], colour: boolean): string {
  const rows = all.map(({ name, port, token, title }) => [name, String(port), tokenText(token), title]);
  const titles = ['RECIPE', 'PORT', 'TOKEN', 'WHAT IT IS'];
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = rows.map((row) => line(row).replace(/^\S+/, (name) => paint(name, 'strong', colour)));
  const last = '`towline recipes NAME` shows what to write into the config.';
  return `${[paint(line(titles), 'quiet', colour), ...lines, '', paint(last, 'quiet', colour)].join('\n')}\n`;
}

function tokenText(token: Recipe['token']): string {
  switch (token.from) {
    case 'environment':
      return `$${token.name}`;
    case 'output':
      return 'printed';
    case 'nowhere':
      return '-';
  }
}

function drawOne(recipe: Recipe, colour: boolean): string {
  const { name, title, command, port, attach, notes } = recipe;
  const launched = { use: 'launch', recipe: name };
  const found = attach === null ? null : { use: 'token', recipe: name };
  const lines = [
    paint(title, 'strong', colour),
    '',
    'Started by towline, and found again by the next link:',
    ...configLines(port, 'backend', [launched]),
    '',
    `It runs \`${command}\`; write your own as "command" beside "recipe".`,
    '',
    'Running already:',
    ...configLines(port, `127.0.0.1:${port}`, found === null ? [] : [found]),
  ];
  const rest = notes.map((note) => `- ${note}`);
  return `${[...lines, ...(rest.length === 0 ? [] : ['', ...rest])].join('\n')}\n`;
}

/** A relay as it stands in towline.json. */
function configLines(port: number, target: string, plugins: readonly object[]): readonly string[] {
  const forward = `{ "listen": "127.0.0.1:${port}", "target": "${target}" }`;
  const uses = plugins.map((plugin) =>
    JSON.stringify(plugin)
      .replace(/([:,{])(?=")/g, '$1 ')
      .replace(/}$/, ' }'),
  );
  const lines = ['"dev-box": {', '  "host": "devbox",', `  "forwards": [${forward}]${uses.length === 0 ? '' : ','}`];
  return [...lines, ...(uses.length === 0 ? [] : [`  "plugins": [${uses.join(', ')}]`]), '}'].map(
    (line) => `  ${line}`,
  );
}
