// Bundles what towline runs into dist/bundle: a program then reads a few files, not hundreds. One build with shared chunks, so that each
// module exists once in a process, whoever imports it: a plugin, the library door or the program itself. The packages of package.json's
// `dependencies` stay where npm puts them; its `devDependencies` that are imported become parts of the bundle.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export const OUT = 'dist/bundle';

/** What is started, forked, imported by address or by the name of the package. */
const ENTRIES = [
  'src/main.ts',
  'src/index.ts',
  'src/plugin.ts',
  'src/core/worker/entry.ts',
  'src/core/plugin/daemon-side/entry.ts',
  'src/core/ssh/identity/decrypt-thread.ts',
  'src/plugins/same-user.ts',
  'src/plugins/agents/agents.ts',
  'src/plugins/launch/launch.ts',
  'src/plugins/token/token.ts',
];

/** What stays where npm puts it: ssh2, which has an addon to build, its bcrypt-pbkdf, and ws; what meets the network can be mended without us. */
const KEPT = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies);

/**
 * They are required, and must be CommonJS for it: to import one, Node reads its sources for the names that they may export, and a worker needs
 * 50 ms of processor time and 5 MB more (measured, Node 20).
 */
const requireKept = {
  name: 'require-kept',
  setup({ onResolve, onLoad }) {
    const namespace = 'kept';
    onResolve({ filter: new RegExp(`^(${KEPT.join('|')})$`) }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path, namespace },
    );
    onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

export async function bundle() {
  const { metafile } = await build({
    entryPoints: ENTRIES,
    outbase: 'src',
    outdir: OUT,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // cosmiconfig would load it for a config in TypeScript, which is none of ours
    external: ['typescript'],
    plugins: [requireKept],
    banner: {
      js: "import { createRequire as towlineRequire } from 'node:module';\nconst require = towlineRequire(import.meta.url);",
    },
    metafile: true,
    logLevel: 'warning',
  });
  const licenses = join(OUT, 'licenses.txt');
  writeFileSync(licenses, licensesOf(Object.keys(metafile.inputs)));
  const written = new Set([...Object.keys(metafile.outputs), licenses]);
  for (const entry of readdirSync(OUT, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !written.has(file)) rmSync(file);
  }
}

/** What the licenses of the packages ask for that became parts of the bundle. */
function licensesOf(files) {
  const folders = new Set(files.flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    if (file === undefined) throw new Error(`${name} has no license file; look at it, and keep it out of the bundle`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return `Parts of these packages are in this folder.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
