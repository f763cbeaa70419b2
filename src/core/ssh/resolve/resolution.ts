import { canonicalize, type Names } from './canonicalize.ts';
import { type Block, compile } from './compile.ts';
import { untrustedFault } from './config-fault.ts';
import { type ConfigSources, loadSshConfig } from './config-file.ts';
import { execLetters } from './connection-letters.ts';
import { Evaluation, type ExecFacts, NotKnownYet, type Query } from './evaluate.ts';
import { checkHost, checkShellUser, type HostSpec } from './host-name.ts';
import { keywordTable } from './keywords.ts';
import { runInShell } from './run-in-shell.ts';
import type { Settings } from './settings.ts';
import { systemNames } from './system-names.ts';
import { expandTokens } from './tokens.ts';

/** Whose ssh_config is read, and with what around it. */
export interface ResolveOptions {
  /** Read instead of the user's and the system's file (`ssh -F`); null for those two. */
  readonly sshConfig: string | null;
  /** The home folder that `~` and `%d` stand for. */
  readonly home: string;
  readonly localUser: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Who is asked for canonical names; the system's resolver unless given. */
  readonly names?: Names;
}

/** What ssh_config says of one host, with the facts that its tokens stand for. */
export interface Resolution {
  readonly settings: Settings;
  readonly query: Query;
  /** The name or address to connect to. */
  readonly hostName: string;
  readonly user: string;
  readonly port: number;
  readonly files: readonly string[];
  readonly options: ResolveOptions;
}

/** An ssh_config that was read and checked once, to be asked for any number of hosts. */
export interface ReadConfig {
  readonly sources: ConfigSources;
  readonly roots: readonly (readonly Block[])[];
  readonly options: ResolveOptions;
  /** How each command of a `Match exec` ended, by its expanded text: it is run once, however many hosts are asked for. */
  readonly commands: Map<string, Promise<boolean>>;
}

/** Reads and checks what ssh would read. Throws SSH_CONFIG_INVALID. */
export async function readConfig(options: ResolveOptions): Promise<ReadConfig> {
  const sources = await loadSshConfig(options.sshConfig, options);
  const table = keywordTable(options.env);
  return { sources, roots: sources.roots.map((root) => compile(root, table)), options, commands: new Map() };
}

/** Asks an ssh_config for one host, as ssh does: first value wins, canonical names, `Match final`. Throws SSH_CONFIG_INVALID. */
export async function askConfig(config: ReadConfig, spec: HostSpec): Promise<Resolution> {
  const { sources, roots, options, commands } = config;
  const query: Query = { ...spec, localUser: options.localUser };
  const answers = new Map<string, boolean>();
  for (;;) {
    let missing: { readonly command: string; readonly at: string } | null = null;
    const exec = (text: string, at: string, trusted: boolean, facts: ExecFacts) => {
      const command = expandTokens(text, { letters: execLetters(facts, options), env: null }, at);
      const answer = answers.get(command);
      if (answer !== undefined) return answer;
      refuseUnsafe(text, at, trusted, facts);
      missing = { command, at };
      return null;
    };
    try {
      const found = await passes(new Evaluation(query, exec), roots, query, options);
      return { ...found, query, files: sources.files, options };
    } catch (error) {
      if (!(error instanceof NotKnownYet) || missing === null) throw error;
      const { command, at }: { command: string; at: string } = missing;
      const running = commands.get(command) ?? runInShell(command, at, options.env);
      commands.set(command, running);
      answers.set(command, await running);
    }
  }
}

const canonicalDefaults = [
  ['canonicalizemaxdots', '1'],
  ['canonicalizefallbacklocal', 'yes'],
  ['canonicalizehostname', 'false'],
] as const;

async function passes(
  evaluation: Evaluation,
  roots: ReadConfig['roots'],
  query: Query,
  options: ResolveOptions,
): Promise<Pick<Resolution, 'settings' | 'hostName' | 'user' | 'port'>> {
  evaluation.pass(roots, null);
  const { settings } = evaluation;
  const hostName = await canonicalize(evaluation.hostName, settings, options.names ?? systemNames);
  const canonical = settings.first('canonicalizehostname')?.values[0] ?? 'false';
  if (evaluation.wantsFinal || canonical !== 'false') {
    // ssh fills these in before it reads again, so that a second pass can set them no more.
    for (const [keyword, value] of canonicalDefaults)
      settings.fill(keyword, { values: [value], at: '', trusted: true });
    evaluation.pass(roots, hostName);
  }
  return {
    settings,
    hostName,
    user: settings.first('user')?.values[0] ?? query.localUser,
    port: Number(settings.first('port')?.values[0] ?? 22),
  };
}

/** A command of somebody else's file is not run, and no odd name comes to a shell. */
function refuseUnsafe(
  text: string,
  at: string,
  trusted: boolean,
  { hostName, original, user, hostKeyAlias }: ExecFacts,
): void {
  if (!trusted) throw untrustedFault(at);
  for (const name of [hostName, original, ...(hostKeyAlias === null ? [] : [hostKeyAlias])]) checkHost(name, `${at}: `);
  checkShellUser(user, text, `${at}: `);
}
