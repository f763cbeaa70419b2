import { parseName } from '../core/config/name-rules.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { writeKeyring } from '../core/secrets/keyring.ts';
import { handSetToken, writeToken } from '../core/secrets/token-store.ts';
import { locateFolders, openFolders } from '../control/folders.ts';
import { readFlag, readText } from './arguments.ts';
import type { Called } from './commands.ts';
import { connect } from './connect.ts';
import { handOver } from './hand-over.ts';
import { forgetKept } from './kept-token.ts';
import { notTakenOver } from './not-taken-over.ts';
import { relayNames } from './relay-names.ts';
import { readSecret } from './read-secret.ts';
import { unknownRelay } from '../core/supervisor/relay/unknown-relay.ts';

/** `towline token [set|forget] RELAY` */
export async function token(called: Called): Promise<number> {
  const [first, second] = [readText(called.given, 'verb'), readText(called.given, 'relay')];
  if (first === null) throw new Fault('USAGE', 'token needs the name of a relay; see `towline token --help`');
  const keyring = readFlag(called.given, 'keyring');
  if (second !== null && first !== 'set' && first !== 'forget') {
    throw new Fault('USAGE', `token knows set and forget, not "${printable(first)}"; see \`towline token --help\``);
  }
  if (keyring && (second === null || first !== 'set')) {
    throw new Fault('USAGE', '--keyring belongs to `towline token set RELAY`; the others find it by themselves');
  }
  if (second === null) {
    const verb = first === 'set' || first === 'forget';
    if (!verb || (await isRelay(first, called))) return show(first, called);
    throw new Fault('USAGE', `token ${first} needs the name of a relay; see \`towline token --help\``);
  }
  return first === 'set' ? set(second, keyring, called) : forget(second, called);
}

/** One may be called `set`. */
async function isRelay(name: string, { given }: Called): Promise<boolean> {
  return (await relayNames(given).catch((): readonly string[] => [])).includes(name);
}

async function show(relay: string, { given, terminal }: Called): Promise<number> {
  checkName(relay);
  const secret = await known(relay, given);
  if (secret === null) {
    const how = `\`towline token set ${relay}\` sets one, \`towline status ${relay}\` says how far its backend is`;
    throw new Fault('TOKEN_MISSING', `no token is known for ${relay}: its backend has none, or is not ready; ${how}`);
  }
  return handOver(secret.reveal(), `the token of ${relay}`, given, terminal);
}

/** What the daemon knows; where none runs, what was set by hand. */
async function known(relay: string, given: Called['given']) {
  try {
    return (await connect().token(relay)).token;
  } catch (error) {
    if (Fault.from(error).code !== 'NOT_RUNNING') throw error;
    const set = await handSetToken(locateFolders().state, relay);
    const names = set === null ? await relayNames(given).catch(() => null) : null;
    if (names !== null && !names.includes(relay)) throw unknownRelay(relay, names);
    return set;
  }
}

async function set(relay: string, keyring: boolean, { given, terminal }: Called): Promise<number> {
  checkName(relay);
  const names = await relayNames(given);
  if (!names.includes(relay)) throw unknownRelay(relay, names);
  const secret = await readSecret(`Token of ${relay} (not shown): `, terminal.left);
  if (secret === null) {
    terminal.out('nothing was set\n');
    return 130;
  }
  const folders = locateFolders();
  openFolders(folders);
  if (keyring) await writeKeyring(relay, secret);
  writeToken(folders.state, relay, keyring ? 'keyring' : secret);
  terminal.out(`set the token of ${relay}${keyring ? ' in the keyring' : ''}${await told(relay)}\n`);
  return 0;
}

async function forget(relay: string, { given, terminal }: Called): Promise<number> {
  checkName(relay);
  const was = await forgetKept(locateFolders().state, relay);
  const names = was ? [] : await relayNames(given).catch(() => null);
  if (!was && names !== null && !names.includes(relay)) throw unknownRelay(relay, names);
  terminal.out(was ? `forgot the token of ${relay}${await told(relay)}\n` : `no token was set for ${relay}\n`);
  return 0;
}

/** Has the running daemon look again; what to add about that. */
async function told(relay: string): Promise<string> {
  try {
    await connect().retoken(relay);
    return '';
  } catch (error) {
    const fault = Fault.from(error);
    if (fault.code === 'NOT_RUNNING') return '';
    const { message } = fault.code === 'RELAY_UNKNOWN' ? await notTakenOver(fault) : fault;
    if (fault.code === 'RELAY_UNKNOWN') return `; ${message}`;
    return `; the daemon goes on with the old one: ${printable(message)}`;
  }
}

function checkName(relay: string): void {
  const parsed = parseName(relay);
  if ('value' in parsed) return;
  const { message, expected } = parsed.trouble;
  throw new Fault('USAGE', `${message}; expected ${expected}`);
}
