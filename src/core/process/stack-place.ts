import { fileURLToPath } from 'node:url';
import { bundled } from './own-files.ts';

/** One line of a stack. */
export interface Frame {
  readonly file: string;
  readonly line: string;
}

/** `file:line` of the topmost frame of an error that is not towline's own, such as a plugin's; null where all are. */
export function placeOf(error: unknown): string | null {
  const own = fileURLToPath(new URL('.', bundled('main')));
  const frame = framesOf(error).find(({ file }) => !file.startsWith(own) || file.startsWith(`${own}plugins/`));
  return frame === undefined ? null : `${frame.file}:${frame.line}`;
}

/** The frames of an error that name a file by its whole path, topmost first. */
export function framesOf(error: unknown): readonly Frame[] {
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack : '';
  const frames = stack.matchAll(/(?:file:\/\/|[( ])(\/[^\s()?]*)(?:\?[\d.]+)?:(\d+):\d+\)?$/gm);
  return [...frames].map(([, file = '', line = '']) => ({ file: decoded(file), line }));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A path with a bare % in it is no URL.
    return text;
  }
}
