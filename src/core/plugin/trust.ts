import type { Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { isPrivateGroup } from '../files/private-group.ts';
import { Fault } from '../model/fault.ts';
import { printable } from '../model/printable.ts';
import { shellWord } from '../model/shell-word.ts';

/**
 * Looks whether anybody but this user and root could have changed a file, or put another one in its place: its owner, its mode, and those of
 * each folder above, as far as the home folder or the root. Throws PLUGIN_UNTRUSTED.
 */
export async function checkFile(path: string): Promise<void> {
  await checkPlace(path);
  for (const folder of foldersAbove(path)) await checkPlace(folder);
}

/** What a plugin may load from its own folder. */
const code = /\.(?:[cm]?js|node)$/;
/** No plugin has so many files. */
const most = 10_000;

/** Looks whether code beside a plugin is somebody else's; `deep`: in the folders below too, but for its own packages. Throws PLUGIN_UNTRUSTED. */
export async function checkBeside(folder: string, deep: boolean): Promise<void> {
  const waiting = [folder];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      seen += 1;
      if (seen > most) return;
      const path = join(next, entry.name);
      if (code.test(entry.name) || (deep && entry.name === 'package.json')) await checkPlace(path);
      if (!deep || !entry.isDirectory() || entry.name === 'node_modules') continue;
      await checkPlace(path);
      waiting.push(path);
    }
  }
}

async function checkPlace(path: string): Promise<void> {
  const stats = await lstat(path);
  const own = process.getuid?.();
  // Without user ids (Windows) the mode says nothing about other users.
  if (own === undefined) return;
  // The owner of the root can do everything anyway: inside a user namespace that is not always 0.
  const trusted = [0, own, (await stat('/')).uid];
  if (!trusted.includes(stats.uid)) {
    const text = `${printable(path)} belongs to uid ${stats.uid}, not to you; plugins are code, copy it and own it`;
    throw new Fault('PLUGIN_UNTRUSTED', text, { detail: { path } });
  }
  // The mode of a link says nothing: what it leads to is looked at by itself.
  if (stats.isSymbolicLink() || !isOpen(stats)) return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  const text = `${printable(path)} can be written by others (${mode}); chmod go-w ${shellWord(printable(path))}`;
  throw new Fault('PLUGIN_UNTRUSTED', text, { detail: { path } });
}

/** In a sticky folder, such as /tmp, nobody can replace what is not his. */
function isOpen(stats: Stats): boolean {
  if (stats.isDirectory() && (stats.mode & 0o1000) !== 0) return false;
  return (stats.mode & 0o002) !== 0 || ((stats.mode & 0o020) !== 0 && !isPrivateGroup(stats.gid));
}

function foldersAbove(path: string): readonly string[] {
  const home = homedir();
  const inside = isInside(path, home);
  const folders: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.push(folder);
    if ((inside && folder === home) || folder === dirname(folder)) return folders;
  }
}

/** Whether a path is below a folder: `/a/plugins-evil` is not below `/a/plugins`. */
export function isInside(path: string, folder: string): boolean {
  const steps = relative(folder, path);
  return steps !== '' && steps !== '..' && !steps.startsWith('../') && !steps.startsWith('/');
}
