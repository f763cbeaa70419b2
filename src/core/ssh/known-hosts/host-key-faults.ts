import { Fault } from '../../model/fault.ts';
import { quotedWord } from '../../model/shell-word.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { keyType } from '../identity/key-blob.ts';
import type { Hop } from '../route.ts';
import type { Recognition } from './known-hosts.ts';
import { knownName } from './known-name.ts';

type Changed = Extract<Recognition, { kind: 'changed' }>;

/** Another key than the known ones was shown. `detail.remove` has the commands that remove those, one a line. */
export function changedFault(hop: Hop, key: Buffer, { old, malformed }: Changed): Fault {
  const [shown, type] = [fingerprint(key), keyType(key)];
  const files = [...new Set(old.map(({ file }) => file))];
  const byHand = new Set(malformed);
  const name = knownName(hop.knownAs, hop.knownPort);
  const remove = files
    .filter((file) => !byHand.has(file))
    .map((file) => `ssh-keygen -R ${quotedWord(name)} -f ${quotedWord(file)}`);
  const edit = files
    .filter((file) => byHand.has(file))
    .map((file) => {
      const lines = old.filter((one) => one.file === file).map(({ line }) => line);
      return `delete line ${lines.join(', ')} of ${file} by hand (ssh-keygen refuses a file with malformed lines)`;
    });
  const todo = [...(remove.length === 0 ? [] : [`run ${remove.map((one) => `\`${one}\``).join(' and ')}`]), ...edit];
  const known = old.map((one) => `${one.type} ${one.fingerprint} at ${one.file}:${one.line}`).join(', ');
  return new Fault(
    'HOST_KEY_CHANGED',
    `the host key of ${hop.where} changed to ${type} ${shown}, someone may be listening in; only if you trust it, ${todo.join(' and ')}, then \`${trustCommand(hop)}\`; known is ${known}`,
    { detail: { fingerprint: shown, type, known, remove: remove.join('\n') } },
  );
}

/** The command with which the user looks at a key and takes it: for the whole route, as a jump host may be reached only so. */
export function trustCommand({ destination, host }: Hop): string {
  // Whoever names another ssh_config reads none of the system's.
  const [first] = host.files;
  const own = first === undefined || host.files.includes('/etc/ssh/ssh_config') ? [] : ['-F', quotedWord(first)];
  return ['towline trust', ...own, destination].join(' ');
}
