import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A path in the checkout: compiled tests may live in any folder below it, and run from the checkout otherwise. */
export function inCheckout(path: string): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'config.example.json'))) return join(folder, path);
  }
  return join(process.cwd(), path);
}

/** Copies a file to a folder of its own: in a checkout made with umask 002 it could be written by others. */
export function copyTo(folder: string, file: string): string {
  const copy = join(folder, basename(file));
  copyFileSync(file, copy);
  chmodSync(copy, 0o600);
  return copy;
}

/** Writes a config file that only its owner may touch. */
export function write(path: string, text: string | Uint8Array): string {
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** The least that a config says. */
export const least = '{ "relays": { "db": { "host": "devbox", "forwards": ["5432"] } } }';

/** Runs a piece of code and gives back what it threw. */
export function thrown(run: () => unknown): {
  readonly code?: unknown;
  readonly message: string;
  readonly detail?: unknown;
} {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return { message: 'nothing was thrown' };
}
