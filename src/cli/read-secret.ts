import { Fault } from '../core/model/fault.ts';
import type { Secret } from '../core/model/secret.ts';
import { readTokenText } from '../core/secrets/token-text.ts';
import { TypedLines } from './typed-lines.ts';

/** More than any token, bytes. */
const most = 64 * 1024;

/** Reads a token from the terminal, without showing it, or from standard input. Null: the person has left. Throws TOKEN_MISSING. */
export async function readSecret(prompt: string, signal: AbortSignal): Promise<Secret | null> {
  if (process.stdin.isTTY !== true) {
    const text = await readAll();
    const todo = 'pipe the token in, or run the command on a terminal, where it asks';
    if (text.trim() === '') throw new Fault('TOKEN_MISSING', `standard input is empty; ${todo}`);
    return readTokenText(text, 'standard input');
  }
  const lines = new TypedLines();
  try {
    const typed = await lines.read({ prompt, echo: false, signal });
    return typed === null ? null : readTokenText(typed, 'what was typed');
  } finally {
    lines.close();
  }
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > most) throw new Fault('TOKEN_MISSING', `standard input has more than ${most} bytes; is it a token?`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
