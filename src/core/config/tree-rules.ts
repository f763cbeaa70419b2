import type { Locator } from './lines.ts';
import { type Complaint, type ConfigPath, isSecret } from './problem.ts';
import { isDangerous, type SourceNode } from './source-node.ts';

/** What holds for every config text, whatever its schema: no duplicate or dangerous keys, plain numbers, whole characters. */
export function checkTree(root: SourceNode, where: Locator): readonly Complaint[] {
  const found: Complaint[] = [];
  visit(root, [], where, found);
  return found;
}

function visit(node: SourceNode, path: ConfigPath, where: Locator, found: Complaint[]): void {
  if (node.kind === 'list') {
    for (const [index, item] of node.items.entries()) visit(item, [...path, index], where, found);
    return;
  }
  if (node.kind === 'scalar') {
    if (typeof node.value === 'string') checkText(node.value, node.at, path, found);
    if (typeof node.value === 'number') checkNumber(node.value, node.source, node.at, path, found);
    return;
  }
  const seen = new Map<string, number>();
  for (const { key, keyAt, node: value } of node.entries) {
    const here = [...path, key];
    const before = seen.get(key);
    if (isDangerous(key)) {
      found.push({ at: keyAt, path: here, message: 'this key is not allowed', expected: 'another name' });
    } else if (before !== undefined) {
      const { line } = where(before);
      found.push({
        at: keyAt,
        path: here,
        message: `this key was given before, in line ${line}`,
        expected: 'each key once',
      });
    } else seen.set(key, keyAt);
    checkText(key, keyAt, here, found);
    visit(value, here, where, found);
  }
}

function checkText(value: string, at: number, path: ConfigPath, found: Complaint[]): void {
  if (/\p{Surrogate}/u.test(value)) {
    found.push({ at, path, message: 'half of a surrogate pair stands alone', expected: 'whole characters' });
  }
}

/** `1e3`, `0x50` and `010` are numbers that a reader of the file may take for others. */
function checkNumber(value: number, source: string, at: number, path: ConfigPath, found: Complaint[]): void {
  if (Number.isFinite(value) && !Object.is(value, -0) && /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(source)) return;
  found.push({
    at,
    path,
    message: `${path.some(isSecret) ? 'this' : source.slice(0, 40)} is not a plain number`,
    expected: 'decimal digits, such as 8080',
  });
}
