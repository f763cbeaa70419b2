import { nearest } from '../model/nearest.ts';
import type { core } from 'zod';
import { type Complaint, type ConfigPath, isSecret, quote } from './problem.ts';
import { find, keyOffsetOf, offsetOf, type SourceNode } from './source-node.ts';

type Issue = core.$ZodIssue;

/** Turns what zod found into complaints with the offset of the value, or of the key where the key is wrong. */
export function complaintsOf(issues: readonly Issue[], root: SourceNode, base: ConfigPath = []): readonly Complaint[] {
  return issues.flatMap((issue): readonly Complaint[] => {
    const path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => unknownKey(root, [...path, key], key, issue.message.split(' ')));
      case 'invalid_union': {
        const branch = likeliest(issue.errors);
        return branch === null ? [plainComplaint(root, path, issue)] : complaintsOf(branch, root, path);
      }
      case 'custom': {
        const expected: unknown = issue.params?.['expected'];
        const at = offsetOf(root, path);
        return [{ at, path, message: issue.message, ...(typeof expected === 'string' ? { expected } : {}) }];
      }
      default:
        return [plainComplaint(root, path, issue)];
    }
  });
}

/** The alternative that the user meant: the one that found more to say than that the value has another type. */
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const other = (issue: Issue): boolean =>
    issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
  const close = branches.filter((issues) => issues.length > 0 && !issues.some(other));
  return close.length === 1 ? (close[0] ?? null) : null;
}

const ofSsh = /^(?:port|user|hostname|identity(?:file)?|key|proxy(?:jump|command))$/i;

function unknownKey(root: SourceNode, path: ConfigPath, key: string, known: readonly string[]): Complaint {
  const near = nearest(key, known);
  // Who writes ssh's own words means ssh's own file.
  const isOfSsh = path[0] === 'relays' && path.length === 3 && ofSsh.test(key);
  return {
    at: keyOffsetOf(root, path),
    path,
    message: isOfSsh ? 'unknown key, which belongs into ssh_config, beside the Host' : 'unknown key',
    expected: known.length === 1 ? `only ${known[0]}` : `one of ${known.join(', ')}`,
    ...(near === null ? {} : { suggestion: near }),
  };
}

function plainComplaint(root: SourceNode, path: ConfigPath, issue: Issue): Complaint {
  const node = find(root, path);
  const at = offsetOf(root, path);
  if (node === undefined) return { at, path, message: 'this key is missing', expected: issue.message };
  const seen = path.some(isSecret) ? 'this value' : show(node);
  return { at, path, message: `${seen} ${troubles[issue.code] ?? 'is not allowed'}`, expected: issue.message };
}

const troubles: Readonly<Partial<Record<Issue['code'], string>>> = {
  too_small: 'is too small',
  too_big: 'is too large',
};

function show(node: SourceNode): string {
  if (node.kind === 'list') return node.items.length === 0 ? 'an empty list' : 'a list';
  if (node.kind === 'map') return 'an object';
  return typeof node.value === 'string' ? quote(node.value) : String(node.value);
}
