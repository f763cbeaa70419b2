import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';

import { Fault } from '../src/core/model/fault.ts';
import { type Arena, openArena } from './arena.ts';
import { start } from './contender.ts';
import type { Figure } from './figure.ts';
import { describeMachine, missingTools } from './machine.ts';
import { type Options, parseOptions } from './options.ts';
import { maps } from './proc.ts';
import { report } from './report.ts';
import type { Bench, Section } from './section.ts';
import { connects } from './sections/connects.ts';
import { explain } from './sections/explain.ts';
import { killed } from './sections/killed.ts';
import { latency } from './sections/latency.ts';
import { many } from './sections/many.ts';
import { memory } from './sections/memory.ts';
import { outage } from './sections/outage.ts';
import { requests } from './sections/requests.ts';
import { storm } from './sections/storm.ts';
import { stream } from './sections/stream.ts';

const sections: readonly Section[] = [
  memory,
  latency,
  requests,
  connects,
  stream,
  storm,
  killed,
  outage,
  many,
  explain,
];
// dist/bench/main.js -> the checkout.
const root = resolve(import.meta.dirname, '..', '..');

/** Runs the chosen sections and returns the report. */
async function bench(options: Options, arena: Arena, signal: AbortSignal): Promise<string> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const context: Bench = { arena, rounds: options.rounds, signal, say };
  const busy = loadavg()[0] ?? 0;
  const addon = await addonLoaded(arena);
  const figures: Figure[] = [];
  // Other work on the machine slows contenders unequally: the reader must know.
  const notes = [
    `load average when the bench began: ${busy.toFixed(2)} on ${cpus().length} cores; above 0.5 the figures mean little`,
  ];
  for (const section of sections.filter(({ name }) => options.only.includes(name))) {
    say(`== ${section.name}: ${section.what}`);
    try {
      const result = await section.run(context);
      figures.push(...result.figures);
      notes.push(...result.notes);
    } catch (error) {
      signal.throwIfAborted();
      notes.push(`section ${section.name} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  return report({ figures, notes, machine: await describeMachine(root), command, addon });
}

/** Looks into a running worker, since an addon that is installed may still fail to load. */
async function addonLoaded(arena: Arena): Promise<boolean | null> {
  const towline = await start(arena, 'towline').catch(() => null);
  // The sections will tell why it did not start.
  if (towline === null) return null;
  const loaded = maps(towline.pids(), 'sshcrypto.node');
  await towline.stop();
  return loaded;
}

async function main(): Promise<number> {
  const options = parseOptions(
    process.argv.slice(2),
    sections.map(({ name }) => name),
  );
  const missing = missingTools();
  if (missing !== null) {
    process.stderr.write(`${missing}\n`);
    return 69;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());
  const arena = await openArena();
  try {
    const text = await bench(options, arena, interrupted.signal);
    process.stdout.write(text);
    const whole = options.only.length === sections.length;
    const file = options.out ?? (whole ? join(root, 'bench', 'results.md') : null);
    if (file !== null) writeFileSync(file, text);
    return 0;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    process.stderr.write('interrupted; ending what was started\n');
    return 130;
  } finally {
    await arena.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const fault = Fault.from(error);
  process.stderr.write(`bench: ${fault.message}\n`);
  process.exitCode = fault.entry.exit;
}
