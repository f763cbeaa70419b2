import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { framesOf } from '../process/stack-place.ts';

/** How long a module may take to load, ms: one that waits for ever at its top level must not hold a relay's start. */
const deadline = 10_000;

/** Imports a plugin's module and gives its default export. Throws PLUGIN_FAILED, with the file and the line where they are known. */
export async function importModule(url: string, use: string): Promise<unknown> {
  let module: unknown;
  try {
    module = await inTime(import(url), use);
  } catch (error) {
    if (error instanceof Fault && error.code === 'PLUGIN_FAILED') throw error;
    const path = fileURLToPath(url);
    const kind = kindOf(path);
    if (kind !== null) throw new Fault('PLUGIN_FAILED', `plugin ${printable(use)} is ${kind}`, { cause: error });
    // Under the URL's query it was asked for anew, which means nothing to anybody.
    const { search } = new URL(url);
    const said = error instanceof Error ? error.message : String(error);
    const text = printable(search === '' ? said : said.replaceAll(search, ''));
    const place = (error instanceof SyntaxError ? await syntaxPlace(path) : placeIn(error, path)) ?? path;
    throw new Fault(
      'PLUGIN_FAILED',
      `plugin ${printable(use)} cannot be loaded from ${printable(place)}: ${text}; ${remedy(error, path)}`,
      { cause: error },
    );
  }
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : null;
}

/** What is no module at all, and what to name in its place; null: it may be one. */
function kindOf(path: string): string | null {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    return 'a folder; name the JavaScript file in it';
  return path.endsWith('.json') ? 'JSON, which can do nothing; name a JavaScript file' : null;
}

/** What Node's own sentence does not say. */
function remedy(error: unknown, path: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const missing = error instanceof Error ? /^Cannot find package '([^']+)'/.exec(error.message)?.[1] : undefined;
  if (code === 'ERR_MODULE_NOT_FOUND' && missing !== undefined) {
    const how = missing === 'towline' ? '`npm link towline`' : `\`npm install ${printable(missing)}\``;
    return `${how} in ${printable(dirname(path))} puts it there`;
  }
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return 'compile it to JavaScript (`tsc`), or run towline by Node 22.18 or newer';
  return 'mend it';
}

/** `file:line` of the topmost frame of an error that is in this file; null where none is. */
function placeIn(error: unknown, path: string): string | null {
  const frame = framesOf(error).find(({ file }) => file === path);
  return frame === undefined ? null : `${path}:${frame.line}`;
}

/** Node tells the line of a syntax error to a terminal only: it is asked once more, as `node --check`. */
function syntaxPlace(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', path], { env: {}, timeout: 5_000 }, (_error, _stdout, stderr) => {
      const line = /:(\d+)\r?$/m.exec(stderr.slice(0, 10_000).split('\n')[0] ?? '')?.[1];
      resolve(line === undefined ? null : `${path}:${line}`);
    });
  });
}

async function inTime<T>(loading: Promise<T>, use: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const text = `plugin ${printable(use)} did not load within ${deadline / 1000} s; look at what its top level waits for`;
      reject(new Fault('PLUGIN_FAILED', text));
    }, deadline);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}
