import { readFile } from 'node:fs/promises';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';

/** What Node's `import` takes of `exports` (Node's documentation, "Conditional exports"). */
const conditions = ['node', 'import', 'module-sync', 'default'];

/**
 * The main file of a package as `import` would find it, relative to its folder. Node itself resolves from another folder than its own by a
 * flag only. Throws PLUGIN_FAILED.
 */
export async function entryOf(manifest: string, name: string): Promise<string> {
  const written = await read(manifest, name);
  const { exports, main } = written;
  if (exports !== undefined && exports !== null) {
    const entry = choose(isMap(exports) && '.' in exports ? exports['.'] : exports);
    if (entry?.startsWith('./')) return entry;
    throw new Fault(
      'PLUGIN_FAILED',
      `package ${name} exports nothing to import; see "exports" in ${printable(manifest)}`,
    );
  }
  return typeof main === 'string' && main !== '' ? main : 'index.js';
}

function choose(target: unknown): string | null {
  if (typeof target === 'string') return target;
  if (Array.isArray(target)) return target.map(choose).find((one) => one !== null) ?? null;
  if (!isMap(target)) return null;
  // In the order of the package: the first condition that holds and leads somewhere.
  for (const [condition, next] of Object.entries(target)) {
    const found = conditions.includes(condition) ? choose(next) : null;
    if (found !== null) return found;
  }
  return null;
}

async function read(manifest: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const written: unknown = JSON.parse(await readFile(manifest, 'utf8'));
    if (isMap(written)) return written;
  } catch {
    // What is no JSON is no package, whatever the parser says of it.
  }
  throw new Fault('PLUGIN_FAILED', `the package.json of ${name} cannot be read; install it anew`);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
