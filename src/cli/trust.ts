import { defaultDeadlines } from '../core/model/config.ts';
import { Fault } from '../core/model/fault.ts';
import { printable } from '../core/model/printable.ts';
import { type NewHostKey, type Trusted, trustRoute } from '../core/ssh/known-hosts/trust-route.ts';
import { resolveRoute } from '../core/ssh/route.ts';
import { readFlag, readText } from './arguments.ts';
import { askLine } from './ask-line.ts';
import { askOrRefuse } from './ask-or-refuse.ts';
import type { Called } from './commands.ts';
import { resolveOptions } from './resolve-options.ts';
import type { Terminal } from './terminal.ts';
import { TypedLines } from './typed-lines.ts';
import { readHost } from './read-host.ts';

/** `towline trust HOST`: goes the way that a relay would go, and has the user decide on each host key that is not known. */
export async function trust({ given, terminal }: Called): Promise<number> {
  const spec = readHost(given, 'host');
  if (spec === null) throw new Fault('USAGE', 'trust needs the name of a host; see `towline trust --help`');
  const sshConfig = readText(given, 'F');
  const agreed = readAgreement(readFlag(given, 'yes'), readText(given, 'fingerprint'));
  const json = readFlag(given, 'json');
  const resolving = resolveOptions(sshConfig);
  const route = await resolveRoute(spec, resolving);
  const note = (text: string) => terminal.err(`towline: ${printable(text)}\n`);
  for (const warning of new Set(route.flatMap((host) => host.warnings))) note(warning);
  const lines = new TypedLines();
  const asker = askOrRefuse(json, lines);
  const trusted = await trustRoute(route, {
    // At a prompt nothing of them passes, for the connection has ended by then.
    deadlines: defaultDeadlines,
    env: resolving.env,
    // For the hosts on the way: they are logged in to.
    ask: asker.ask('trust'),
    onStage: () => undefined,
    onNote: note,
    decide: (key) => decide(key, agreed, { terminal, lines }),
    signal: new AbortController().signal,
  }).finally(() => asker.close());
  if (json) terminal.out(`${JSON.stringify({ host: spec, keys: trusted }, null, 2)}\n`);
  else for (const key of trusted) terminal.say(printable(describe(key)));
  return 0;
}

/** What the user agreed to on the command line: any key, this one, or null where he is to be asked. */
function readAgreement(yes: boolean, text: string | null): 'any' | string | null {
  if (text === null) return yes ? 'any' : null;
  if (yes)
    throw new Fault('USAGE', '--yes and --fingerprint cannot go together; --fingerprint agrees to that key alone');
  if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(text)) return text.replace('=', '');
  throw new Fault(
    'USAGE',
    `--fingerprint ${printable(text)} is no fingerprint; give it as ssh-keygen -l prints it: SHA256:...`,
  );
}

async function decide(
  key: NewHostKey,
  agreed: string | null,
  { terminal, lines }: { readonly terminal: Terminal; readonly lines: TypedLines },
): Promise<void> {
  const shown = `${key.type} ${key.fingerprint}`;
  const isAuthority = key.why.code === 'HOST_KEY_UNVERIFIABLE';
  const why = isAuthority ? 'is trusted only through a certificate authority' : 'is in no known_hosts file';
  terminal.err(
    [
      `the host key of ${key.where} ${why}:`,
      `  ${shown}`,
      `it would be written to ${key.file} as ${key.name}${key.hashed ? ', hashed' : ''}`,
    ]
      .map((line) => `${printable(line)}\n`)
      .join(''),
  );
  if (agreed === 'any') return;
  if (agreed !== null && key.last) {
    if (agreed === key.fingerprint) return;
    throw refused(
      key,
      `the host key of ${key.where} is ${shown}, not ${agreed}; nothing was written, find out who answers there`,
    );
  }
  let answer = await askLine('Trust this key (yes/no/[fingerprint])? ', lines);
  while (answer !== null && !isClear(answer, key))
    answer = await askLine('Please type yes, no or the fingerprint: ', lines);
  if (answer === null) {
    const text = `nobody is there to be asked about the host key of ${key.where} (${shown}); compare it, then give --fingerprint ${key.last ? key.fingerprint : ''}`;
    throw refused(
      key,
      key.last
        ? text
        : `the host key of ${key.where} (${shown}) is not known, and nobody is there to be asked; trust that host first`,
    );
  }
  if (answer.toLowerCase() === 'yes' || answer === key.fingerprint) return;
  throw refused(key, `the host key of ${key.where} (${shown}) was not trusted; nothing was written`);
}

/** As with ssh only a whole yes agrees, and neither `y` nor half a fingerprint is taken for a no. */
function isClear(answer: string, { fingerprint }: NewHostKey): boolean {
  return ['', 'no', 'yes'].includes(answer.toLowerCase()) || answer === fingerprint;
}

function refused({ fingerprint, type }: NewHostKey, text: string): Fault {
  return new Fault('HOST_KEY_UNKNOWN', text, { detail: { fingerprint, type } });
}

function describe({ where, type, fingerprint, result, file, line, name }: Trusted): string {
  const key = `the host key of ${where}`;
  const shown = `${type} ${fingerprint}`;
  if (result === 'written') return `${key} is trusted now: ${shown} was added to ${file} as ${name}`;
  if (result === 'discarded') return `${key} was kept nowhere, for known_hosts is /dev/null: ${shown}`;
  return `${key} is known: ${shown}${file === null ? '' : ` at ${file}${line === null ? '' : `:${line}`}`}`;
}
