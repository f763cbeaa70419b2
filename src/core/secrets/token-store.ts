import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../model/fault.ts';
import type { Secret } from '../model/secret.ts';
import { type KeyringSetting, readKeyring } from './keyring.ts';
import { errorCode } from '../model/error-code.ts';
import { readPrivateFile } from './private-file.ts';
import { readTokenText } from './token-text.ts';

/** Says in a token's place that it is in the keyring: a token has no blanks. */
const inKeyring = 'in the keyring';

/** The file of a hand-set token in a state folder. */
export function tokenFile(state: string, relay: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(relay)) return join(state, 'tokens', relay);
  throw new Fault('INTERNAL', 'a relay name that is none came to the token store; please report it');
}

/** The token that was set by hand for a relay; `keyring`: it is there; null: none was set. Throws TOKEN_UNSAFE, TOKEN_MISSING. */
export function readToken(state: string, relay: string): Secret | 'keyring' | null {
  const file = tokenFile(state, relay);
  if (lstatSync(join(state, 'tokens'), { throwIfNoEntry: false }) === undefined) return null;
  checkFolder(join(state, 'tokens'));
  const text = readPrivateFile(file);
  if (text === null) return null;
  return text.trim() === inKeyring ? 'keyring' : readTokenText(text, file);
}

/** The same, from wherever it is kept. */
export async function handSetToken(state: string, relay: string, setting: KeyringSetting = {}): Promise<Secret | null> {
  const kept = readToken(state, relay);
  return kept === 'keyring' ? readKeyring(relay, setting) : kept;
}

/** Keeps a token in place of an older one: in a file born 0600, in a folder born 0700, in one step. Throws RUNTIME_UNSAFE. */
export function writeToken(state: string, relay: string, token: Secret | 'keyring'): void {
  const file = tokenFile(state, relay);
  const folder = join(state, 'tokens');
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    checkFolder(folder);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const descriptor = openSync(temporary, flags, 0o600);
    try {
      writeFileSync(descriptor, `${token === 'keyring' ? inKeyring : token.reveal()}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const message = `the token cannot be kept in ${file} (${errorCode(error)}); check that folder, and its space`;
    throw new Fault('RUNTIME_UNSAFE', message, { cause: error, detail: { path: file } });
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Forgets what was set by hand; false: nothing was. What is in the keyring stays there. Throws RUNTIME_UNSAFE. */
export function forgetToken(state: string, relay: string): boolean {
  const file = tokenFile(state, relay);
  try {
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return false;
    checkFolder(join(state, 'tokens'));
    rmSync(file);
    return true;
  } catch (error) {
    if (error instanceof Fault) throw error;
    const message = `the token cannot be taken out of ${file} (${errorCode(error)}); remove it by hand`;
    throw new Fault('RUNTIME_UNSAFE', message, { cause: error, detail: { path: file } });
  }
}

function checkFolder(folder: string): void {
  const stats = lstatSync(folder);
  const mine = stats.uid === (process.geteuid?.() ?? stats.uid) && (stats.mode & 0o077) === 0;
  if (stats.isDirectory() && mine) return;
  const message = `${folder} is not a folder for your eyes only; make it yours with mode 0700`;
  throw new Fault('RUNTIME_UNSAFE', message, { detail: { folder } });
}
