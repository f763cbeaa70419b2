import { Fault, printable, type RemoteHost, readKeyring, readPrivateFile, runQuietly } from '../../plugin.ts';
import { isPath, missingProgram } from '../printed/missing-program.ts';
import { redact } from '../printed/redact.ts';
import type { TokenRule, TokenSource } from './rule.ts';

/** What the rule's place holds, at most 60 KiB of it, and what to call that place. Null: the backend has none. */
export interface Held {
  readonly text: string;
  readonly place: string;
}

/** Where a source is read. */
export interface SourcePlace {
  readonly link: RemoteHost;
  readonly relay: string;
  /** The daemon's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** So much is read, bytes, below what a script's end keeps: of a file that is larger only its end, if a pattern says what to look for there. */
const most = 60 * 1024;

/** Reads the place where a token is. Throws TOKEN_MISSING, TOKEN_UNSAFE, REMOTE_FILE, and what the link throws. */
export async function readSource(rule: TokenRule, place: SourcePlace): Promise<Held | null> {
  const { source } = rule;
  switch (source.from) {
    case 'file':
      return readRemote(source, rule, place);
    case 'command':
      return runRemote(source, rule, place);
    case 'local-file': {
      const text = readPrivateFile(source.path, most);
      if (text !== null) return { text, place: printable(source.path) };
      throw missing(`there is no file ${source.path}; write the token into it, with mode 0600`);
    }
    case 'local-command':
      return runLocal(source, rule, place);
    case 'local-env': {
      const text = place.env[source.name] ?? '';
      if (text !== '') return { text, place: `$${source.name}` };
      throw missing(
        `$${source.name} is not set where the daemon was started; set it, then run \`towline down\` and \`up\``,
      );
    }
    case 'keyring': {
      const name = source.name ?? place.relay;
      const token = await readKeyring(name, { env: place.env, deadline: rule.deadline, signal: place.signal });
      if (token !== null) return { text: token.reveal(), place: 'the keyring' };
      throw missing(`the keyring has no token of ${name}; \`towline token set ${name} --keyring\` puts one there`);
    }
    case 'none':
      return null;
  }
}

async function readRemote(
  { path }: TokenSource & { from: 'file' },
  rule: TokenRule,
  place: SourcePlace,
): Promise<Held> {
  const home = path.startsWith('~/') ? '"$HOME"/' : '';
  const script = [
    `f=${home}'${path.slice(home === '' ? 0 : 2).replaceAll("'", "'\\''")}'`,
    '[ -e "$f" ] || exit 66',
    '[ -f "$f" ] && [ -r "$f" ] || exit 77',
    `exec tail -c ${most + 1} "$f"`,
  ].join('\n');
  const { link, signal } = place;
  const end = await link.run(script, { deadline: rule.deadline, signal, most: most + 1 });
  const where = `${printable(path)} on ${printable(link.facts.remote)}`;
  if (end.late) throw missing(`${where} was not read within ${rule.deadline / 1000} s; look at that host`);
  if (end.code === 66) throw new Fault('REMOTE_FILE', `there is no file ${where}; correct the path`);
  if (end.code !== 0) {
    throw new Fault('REMOTE_FILE', `${where} cannot be read by ${printable(link.facts.user)}; check its permissions`);
  }
  if (rule.part.by !== 'pattern' && Buffer.byteLength(end.stdout) > most) {
    throw new Fault('REMOTE_FILE', `${where} is larger than ${most} bytes; is it the right file?`);
  }
  return { text: end.stdout, place: where };
}

async function runRemote(
  { command }: TokenSource & { from: 'command' },
  rule: TokenRule,
  { link, signal }: SourcePlace,
): Promise<Held> {
  const end = await link.run(`${command}\n`, { deadline: rule.deadline, signal, most });
  const where = `\`${printable(command)}\` on ${printable(link.facts.remote)}`;
  if (end.late) throw missing(`${where} did not end within ${rule.deadline / 1000} s; run it there by hand`);
  // A pattern may be for what a program says on either.
  const text = rule.part.by === 'pattern' ? `${end.stdout}\n${end.stderr}` : end.stdout;
  if (end.code === 0) return { text, place: `what ${where} prints` };
  const why = end.code === 127 ? notFound(end.stderr) : redact(end.stderr);
  throw missing(`${where} ended with ${end.code ?? 'a signal'}${why}; run it there by hand`);
}

function notFound(said: string): string {
  const program = missingProgram(said.split('\n').map((line) => line.trim()));
  return program !== null && isPath(program)
    ? `: there is no file ${printable(program)}`
    : ': it is not on the PATH there';
}

async function runLocal(
  { command }: TokenSource & { from: 'local-command' },
  rule: TokenRule,
  { env, signal }: SourcePlace,
): Promise<Held> {
  const where = `\`${printable(command)}\``;
  const { NODE_OPTIONS: _, ...passed } = env;
  const run = { command: 'sh', words: ['-c', command], env: passed, deadline: rule.deadline, signal };
  const end = await runQuietly(run).catch((error: unknown) => {
    if (!(error instanceof Fault)) throw error;
    throw missing(`${where}: ${error.message}`);
  });
  if (end === null) throw missing('there is no sh here to run a command; install one');
  const text = rule.part.by === 'pattern' ? `${end.stdout}\n${end.stderr}` : end.stdout;
  if (end.code === 0) return { text, place: `what ${where} prints` };
  throw missing(`${where} ended with ${end.code ?? 'a signal'}${redact(end.stderr)}; run it by hand`);
}

function missing(message: string): Fault {
  return new Fault('TOKEN_MISSING', message);
}
