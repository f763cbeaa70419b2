#!/usr/bin/env node
import { Fault } from './core/model/fault.ts';
import { formatFailure } from './cli/failure.ts';
import { runProgram } from './cli/program.ts';
import { openTerminal } from './cli/terminal.ts';

// An empty HOME is none: Node would take the current folder for it.
if (process.env['HOME'] === '') delete process.env['HOME'];

const terminal = openTerminal();

/** How long a stalled reader may hold the last lines, ms. */
const patience = 1_000;

// A rejection that nobody handled arrives here too. The state is unknown: end, the supervisor of the system starts us anew.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});

try {
  process.exitCode = await runProgram(process.argv.slice(2), terminal);
} catch (error) {
  fail(await explained(error));
}
leave();

/** The daemon knows only what it runs. */
async function explained(error: unknown): Promise<unknown> {
  if (!(error instanceof Fault) || error.code !== 'RELAY_UNKNOWN') return error;
  return (await import('./cli/not-taken-over.ts')).notTakenOver(error);
}

function fail(error: unknown): void {
  const fault = Fault.from(error);
  process.exitCode = fault.entry.exit;
  terminal.err(formatFailure(fault, process.env['TOWLINE_DEBUG'] === '1'));
}

/** Ends the process once both streams are written out: what is still open then is nothing that we wait for. */
function leave(): void {
  setTimeout(() => process.exit(), patience).unref();
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}
