import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { lastLine, Missing, run } from './shell.mjs';

const VERSION = '8.3.8';
const FOLDER = '.cache/vite';
const MANIFEST = `${FOLDER}/node_modules/vite/package.json`;

/** Installs Vite, a backend that the tests lead to, from npm beside the project's own packages: nothing of the project needs it. */
export async function ensureVite() {
  if (existsSync(MANIFEST) && JSON.parse(readFileSync(MANIFEST, 'utf8')).version === VERSION) return false;
  mkdirSync(FOLDER, { recursive: true });
  const flags = ['--prefix', FOLDER, '--no-save', '--ignore-scripts', '--no-package-lock'];
  const result = await run('npm', ['install', ...flags, `vite@${VERSION}`]);
  if (!result.ok) throw new Missing(`vite@${VERSION} cannot be installed from npm: ${lastLine(result.stderr)}`);
  return true;
}
