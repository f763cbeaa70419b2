import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { linkRows } from '../../test/house/link-rows.ts';
import { localRows } from '../../test/house/local-rows.ts';
import { rows as serverRows } from '../../test/house/rows.ts';
import type { Proofs } from './results.ts';

const proofs = { ...linkRows, ...serverRows, ...localRows };
/** A template's place in the name of a test stands for what the figures name. */
const nameOf = (test: string): string => test.replace(/^(?:[FT]\d+|\*): /, '').replaceAll('*', '…');

/** Runs every fault test of the ordinary run, one file after the other, and gathers what they measured, by row. */
export async function measureProofs(dir: string, say: (line: string) => void): Promise<ReadonlyMap<string, string[]>> {
  const found = new Map<string, string[]>();
  const files = readdirSync(dir).filter((name) => name.endsWith('.test.js') && !name.endsWith('.long.test.js'));
  for (const file of files.sort()) {
    say(file);
    const env = { ...process.env, TAP_TIMEOUT: '300' };
    const child = spawn(process.execPath, [join(dir, file)], { stdio: ['ignore', 'pipe', 'inherit'], env });
    const ended = once(child, 'exit');
    const output = await text(child.stdout);
    const [code]: number[] = await ended;
    if (code !== 0) throw new Error(`${file} failed: its figures count for nothing\n${output.slice(-2_000)}`);
    for (const [, row = '', figures = ''] of output.matchAll(/^ *# measured (F\d\d) (.*)$/gm)) {
      found.set(row, [...(found.get(row) ?? []), figures]);
    }
  }
  return found;
}

/** Draws each row with the tests that show what becomes of it, and what was measured. Pure. */
export function drawProofs({ date, commit, figures }: Proofs): string {
  const lines = Object.entries(proofs)
    .filter(([row]) => row.startsWith('F'))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([row, shown]) => {
      const own = Object.entries(shown).find(([file]) => file.startsWith('faults/'));
      const tests = own?.[1] ?? Object.values(shown)[0] ?? [];
      const told = (figures[row] ?? []).map((one) => `\`${one}\``);
      return `| ${row} | ${tests.map(nameOf).join('; ')} | ${told.join('<br>')} |`;
    });
  return `## What towline promises, and what the tests measured

Each row's test by name, and what it measured on ${date} at commit ${commit}: the tests of \`test/faults\`, one file after the other. Without a
figure a row's test asserts what happens, not when.

| | shown by | measured |
|---|---|---|
${lines.join('\n')}`;
}
