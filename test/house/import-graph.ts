import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** What each file of a tree imports: paths inside the tree as `core/model/fault.ts`, packages by name, Node's modules as `node:fs`. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Reads the imports of all files below a folder that end so; in TypeScript the imports of types count too, in JavaScript there are none. */
export function readImports(root: string, ending: '.ts' | '.js'): ImportGraph {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith(ending) && !file.endsWith('.d.ts'))
    .sort();
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(join(root, file), 'utf8'))]));
}

/** All that is loaded when a file is, itself included. */
export function closureOf(graph: ImportGraph, entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const next of graph.get(file) ?? []) visit(next);
  };
  visit(entry);
  return seen;
}

function importsOf(file: string, text: string): string[] {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles.map(({ fileName }) => resolve(file, fileName));
}

function resolve(file: string, name: string): string {
  if (name.startsWith('.')) return posix.normalize(posix.join(posix.dirname(file), name));
  if (name.startsWith('node:')) return name;
  const [first = name, second] = name.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
