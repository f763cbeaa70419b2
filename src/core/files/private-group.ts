import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/**
 * True for the group that is this user's alone, as useradd makes it and umask 002 expects it: nobody else is in it, nobody else has
 * it as the first one. False where /etc/group and /etc/passwd (group(5), passwd(5)) do not say so.
 */
export function isPrivateGroup(gid: number): boolean {
  const { username } = userInfo();
  const groups = rowsOf('/etc/group').filter((row) => row[2] === String(gid));
  const [group] = groups;
  if (group === undefined || groups.length > 1) return false;
  const members = (group[3] ?? '').split(',').filter((name) => name !== '');
  const first = rowsOf('/etc/passwd').filter((row) => row[3] === String(gid));
  return [...members, ...first.map((row) => row[0])].every((name) => name === username);
}

function rowsOf(file: string): readonly (readonly string[])[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    // Unknown users are others.
    return [];
  }
}
