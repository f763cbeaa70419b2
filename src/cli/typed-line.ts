import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Reads one line that a person types on this terminal after `prompt`, without showing it unless `echo`. Null: Ctrl-D, or `signal`. */
export function readTyped(prompt: string, echo: boolean, signal: AbortSignal): Promise<string | null> {
  if (signal.aborted) return Promise.resolve(null);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // Without a history: what was typed before must not be one arrow key away.
  const output = echo ? process.stderr : nowhere;
  const line = createInterface({ input: process.stdin, output, terminal: true, historySize: 0, prompt: '' });
  // Only now: who sees the prompt may type, and the terminal shows nothing any more.
  process.stderr.write(prompt);
  return new Promise((resolve) => {
    let said: string | null = null;
    const stop = () => line.close();
    signal.addEventListener('abort', stop, { once: true });
    line.once('line', (text) => {
      said = text;
      line.close();
    });
    line.once('SIGINT', () => {
      line.close();
      // In raw mode the terminal sends a character instead: everybody else must hear of it all the same.
      process.kill(process.pid, 'SIGINT');
    });
    line.once('close', () => {
      signal.removeEventListener('abort', stop);
      if (!echo || said === null) process.stderr.write('\n');
      resolve(said);
    });
  });
}
