import { createInterface } from 'node:readline/promises';

/** Asks for one line on the terminal and answers it without the blanks around it; '' for Ctrl-D and Ctrl-C, null without a terminal. */
export async function askLine(question: string): Promise<string | null> {
  if (process.stdin.isTTY !== true) return null;
  // stdout may be read by a program.
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  lines.once('SIGINT', () => left.abort());
  lines.once('close', () => left.abort());
  try {
    return (await lines.question(question, { signal: left.signal })).trim();
  } catch (error) {
    if (!left.signal.aborted) throw error;
    process.stderr.write('\n');
    return '';
  } finally {
    lines.close();
  }
}
