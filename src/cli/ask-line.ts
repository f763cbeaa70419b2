import type { TypedLines } from './typed-lines.ts';

/** Asks for one line on the terminal and answers it without the blanks around it; '' for Ctrl-D and Ctrl-C, null without a terminal. */
export async function askLine(prompt: string, lines: TypedLines): Promise<string | null> {
  if (process.stdin.isTTY !== true) return null;
  const { signal } = new AbortController();
  return (await lines.read({ prompt, echo: true, signal, onInterrupt: () => undefined }))?.trim() ?? '';
}
