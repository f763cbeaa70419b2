import type { ImportGraph } from './import-graph.ts';

/** A layer, the files that are of it, and the layers that it may import beside itself. */
interface Layer {
  readonly name: string;
  readonly files: RegExp;
  readonly below: readonly string[];
}

const NEAR_MODEL = ['config', 'ssh', 'probe', 'plugin host', 'protocol'] as const;
const CORE = ['model', 'files', 'secrets', 'socket', 'process', ...NEAR_MODEL] as const;

// DESIGN: model < config, ssh, plugin, protocol < supervisor, worker < control < daemon < cli; layers between two `<` do not know each other
const LAYERS: readonly Layer[] = [
  { name: 'model', files: /^core\/model\//, below: [] },
  { name: 'files', files: /^core\/files\//, below: ['model'] },
  { name: 'secrets', files: /^core\/secrets\//, below: ['model', 'files'] },
  { name: 'config', files: /^core\/config\//, below: ['model', 'files'] },
  { name: 'socket', files: /^core\/socket\//, below: ['model'] },
  { name: 'process', files: /^core\/process\//, below: ['model'] },
  { name: 'ssh', files: /^core\/ssh\//, below: ['model', 'files', 'socket', 'process'] },
  { name: 'probe', files: /^core\/probe\//, below: ['model', 'files', 'socket', 'ssh'] },
  { name: 'plugin host', files: /^core\/plugin\//, below: ['model', 'files', 'socket', 'process'] },
  { name: 'protocol', files: /^core\/[^/]+$/, below: ['model'] },
  { name: 'supervisor', files: /^core\/supervisor\//, below: CORE },
  { name: 'worker', files: /^core\/worker\//, below: CORE },
  { name: 'control', files: /^control\//, below: [...CORE, 'supervisor'] },
  { name: 'guests door', files: /^plugin(?:-conforms)?\.ts$/, below: ['model', 'secrets'] },
  { name: 'recipes', files: /^plugins\/recipes\//, below: ['guests door'] },
  { name: 'plugins', files: /^plugins\//, below: ['guests door', 'recipes'] },
  // It runs in other people's pages: not one module of ours comes along.
  { name: 'client', files: /^client\//, below: [] },
  // By name and file only: whoever wants to know which there are loads none of them.
  { name: 'builtins', files: /^builtins\.ts$/, below: ['model', 'process'] },
  { name: 'daemon', files: /^daemon\.ts$/, below: [...CORE, 'supervisor', 'control', 'plugins', 'builtins'] },
  {
    name: 'cli',
    files: /^cli\//,
    below: [...CORE, 'recipes', 'plugins', 'supervisor', 'control', 'builtins', 'daemon'],
  },
  { name: 'library door', files: /^index\.ts$/, below: [...CORE, 'supervisor', 'control', 'daemon'] },
  {
    name: 'main',
    files: /^main\.ts$/,
    below: [...CORE, 'recipes', 'plugins', 'supervisor', 'control', 'daemon', 'cli'],
  },
];

/** Packages that only one folder may import, types too: what they mean is translated there and nowhere else. */
const OWNED_PACKAGES: Readonly<Record<string, RegExp>> = {
  ssh2: /^core\/ssh\//,
  'ssh-config': /^core\/ssh\//,
  zod: /^core\/config\//,
  yaml: /^core\/config\//,
  cosmiconfig: /^core\/config\//,
  yargs: /^cli\//,
  hono: /^control\//,
  '@hono/node-server': /^control\//,
};

/** Every import that the layers forbid, one sentence each. */
export function forbiddenImports(graph: ImportGraph): string[] {
  return [...graph].flatMap(([file, imports]) => imports.flatMap((name) => judge(file, name, graph)));
}

function judge(file: string, name: string, graph: ImportGraph): string[] {
  const own = layerOf(file);
  if (own === undefined) return [`${file} is of no layer; give it one in test/house/layers.ts`];
  const owner = OWNED_PACKAGES[name];
  if (owner !== undefined) return owner.test(file) ? [] : [`${file} imports ${name}, which only ${owner.source} may`];
  if (!graph.has(name)) return isInside(name) ? [`${file} imports ${name}, which is not there`] : [];
  const other = layerOf(name);
  if (other === own || (other !== undefined && own.below.includes(other.name))) return [];
  return [`${file} (${own.name}) imports ${name} (${other?.name ?? 'no layer'})`];
}

function layerOf(file: string): Layer | undefined {
  return LAYERS.find((layer) => layer.files.test(file));
}

function isInside(name: string): boolean {
  return name.startsWith('..') || /\.[jt]s$/.test(name);
}
