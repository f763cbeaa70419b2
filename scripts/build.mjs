// `npm run build`: src, test, bench and demo into dist with the one tsconfig, what has lost its source is removed first; then the bundle.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundle, OUT } from './bundle.mjs';

const PROGRAM = join(OUT, 'main.js');

const FOLDERS = ['src', 'test', 'bench', 'demo'];

/** What tsc is to write. */
function compiledFiles() {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .map((file) => join('dist', folder, file.replace(/\.ts$/, '.js'))),
  );
}

/** Removes compiled files whose source is gone: tsc leaves them, and the test runner would run them. */
function removeStale() {
  if (!existsSync('dist')) return;
  for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
    const match = /^(.*?)(\.d\.ts|\.js)$/.exec(entry.name);
    if (!entry.isFile() || match === null) continue;
    const folder = entry.parentPath ?? entry.path;
    if (join(folder, entry.name).startsWith(OUT)) continue;
    const source = join(folder.replace(/^dist\/?/, ''), `${match[1]}.ts`);
    if (!existsSync(source)) rmSync(join(folder, entry.name));
  }
  // tsc trusts its notes about dist, and would write nothing into a dist that lost its files
  if (!compiledFiles().every((file) => existsSync(file))) rmSync('dist/.tsbuildinfo', { force: true });
}

removeStale();
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', '.'], { stdio: 'inherit' });
process.exitCode = status ?? 1;
if (status === 0) {
  await bundle();
  chmodSync(PROGRAM, 0o755);
}
