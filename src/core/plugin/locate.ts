import { realpath } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { Fault } from '../model/fault.ts';
import { nearest } from '../model/nearest.ts';
import { printable } from '../model/printable.ts';
import { entryOf } from './package-entry.ts';
import { checkBeside, checkFile, isInside } from './trust.ts';

/** What a relay's config says of where a plugin is. */
export interface Whereabouts {
  readonly use: string;
  /** Where the search for a package begins; absent: the current folder. */
  readonly from?: string;
}

/** npm's rule for names; never a scheme, a path or a part of a package. */
const packageName = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** Finds the file of a plugin that is not built in, and looks whether it may be trusted. Throws PLUGIN_NOT_FOUND, PLUGIN_UNTRUSTED or PLUGIN_FAILED. */
export async function locate(where: Whereabouts, names: readonly string[]): Promise<string> {
  if (!isAbsolute(where.use)) return locatePackage(where, names);
  const path = await realpath(where.use).catch((error: unknown) => {
    throw new Fault('PLUGIN_NOT_FOUND', `there is no plugin file "${printable(where.use)}"; correct the path`, {
      cause: error,
    });
  });
  // Who can change a link can change where it leads.
  for (const one of new Set([where.use, path])) await checkFile(one);
  await checkBeside(dirname(path), false);
  return path;
}

/** The files whose change may let a plugin load that did not. */
export function filesToWatch({ use, from = '.' }: Whereabouts): readonly string[] {
  if (isAbsolute(use)) return [use];
  return packageName.test(use) && !isBuiltin(use)
    ? candidates(use, from).map((root) => join(root, 'package.json'))
    : [];
}

async function locatePackage({ use, from = '.' }: Whereabouts, names: readonly string[]): Promise<string> {
  if (packageName.test(use) && !isBuiltin(use)) {
    for (const root of candidates(use, from)) {
      const real = await realpath(join(root, 'package.json')).catch(() => null);
      if (real === null) continue;
      // The folder in which it stands, or in which a link to it stands (npm link, pnpm).
      await checkFile(root);
      return enter(use, dirname(real));
    }
  }
  const near = nearest(use, names);
  const hint = near === null ? '' : `; did you mean "${near}"?`;
  const known = names.join(', ');
  throw new Fault(
    'PLUGIN_NOT_FOUND',
    `no plugin is called "${printable(use)}"${hint}; built-in are: ${known}; a package is installed beside the config file, a path begins with ./ or /`,
  );
}

/** The main file of a package, which must not lead out of it. */
async function enter(use: string, root: string): Promise<string> {
  const manifest = join(root, 'package.json');
  await checkFile(manifest);
  const path = resolve(root, await entryOf(manifest, use));
  const real = await realpath(path).catch((error: unknown) => {
    const text = `package ${use} has no file ${printable(path)}, which its package.json names; install it anew`;
    throw new Fault('PLUGIN_NOT_FOUND', text, { cause: error });
  });
  if (!isInside(real, root)) {
    const text = `package ${use} leads out of its folder, to ${printable(real)}; name that path instead, if you trust it`;
    throw new Fault('PLUGIN_UNTRUSTED', text, { detail: { path: real } });
  }
  await checkFile(real);
  await checkBeside(root, true);
  return real;
}

function candidates(use: string, from: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    folders.push(join(folder, 'node_modules', use));
    if (folder === dirname(folder)) return folders;
  }
}
