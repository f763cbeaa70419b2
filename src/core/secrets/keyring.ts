import { Fault } from '../model/fault.ts';
import type { Secret } from '../model/secret.ts';
import { type QuietEnd, type QuietRun, runQuietly } from './run-quietly.ts';
import { readTokenText } from './token-text.ts';

/** Where the keyring's program finds its daemon, and how long it may take: it may ask a person to open it. */
export type KeyringSetting = Pick<QuietRun, 'env' | 'deadline' | 'signal'>;

const onMac = process.platform === 'darwin';

/** secret-tool(1) of libsecret, or security(1) of macOS; they get the secret on standard input. */
const program = onMac ? 'security' : 'secret-tool';

/** The token of a relay in the system's keyring; null: there is none. Throws TOKEN_MISSING where no keyring answers. */
export async function readKeyring(name: string, setting: KeyringSetting = {}): Promise<Secret | null> {
  const words = onMac ? ['find-generic-password', '-s', 'towline', '-a', name, '-w'] : ['lookup', ...attributes(name)];
  const { code, stdout, stderr } = await ask(words, setting);
  if (code === 0 && stdout.trim() !== '') return readTokenText(stdout, `the token of ${name} in the keyring`);
  if (notThere(code, stderr)) return null;
  throw refused('was not read', stderr);
}

/** Keeps a token there, in place of an older one. Throws TOKEN_MISSING. */
export async function writeKeyring(name: string, token: Secret, setting: KeyringSetting = {}): Promise<void> {
  const text = token.reveal();
  const quoted = `"${text.replace(/["\\]/g, '\\$&')}"`;
  const { code, stderr } = onMac
    ? await ask(['-i'], setting, `add-generic-password -U -s towline -a ${name} -w ${quoted}\n`)
    : await ask(['store', `--label=towline ${name}`, ...attributes(name)], setting, text);
  if (code !== 0) throw refused('was not kept', stderr);
}

/** Takes it out; false: there was none. Throws TOKEN_MISSING. */
export async function forgetKeyring(name: string, setting: KeyringSetting = {}): Promise<boolean> {
  if ((await readKeyring(name, setting)) === null) return false;
  const words = onMac ? ['delete-generic-password', '-s', 'towline', '-a', name] : ['clear', ...attributes(name)];
  const { code, stderr } = await ask(words, setting);
  if (code !== 0) throw refused('was not taken out', stderr);
  return true;
}

async function ask(words: readonly string[], setting: KeyringSetting, input = ''): Promise<QuietEnd> {
  const end = await runQuietly({ command: program, words, input, ...setting });
  if (end !== null) return end;
  const install = onMac ? '' : ' (Debian: libsecret-tools)';
  throw new Fault('TOKEN_MISSING', `there is no ${program} here to reach the keyring with${install}; install it`);
}

/** secret-tool ends by 1 without a word, security(1) by 44 (errSecItemNotFound). */
function notThere(code: number | null, stderr: string): boolean {
  return onMac ? code === 44 : stderr === '';
}

function attributes(name: string): readonly string[] {
  return ['service', 'towline', 'relay', name];
}

function refused(what: string, stderr: string): Fault {
  const why = stderr === '' ? `${program} gave no reason` : stderr;
  return new Fault('TOKEN_MISSING', `the keyring's token ${what}: ${why}; unlock the keyring, or do without it`);
}
