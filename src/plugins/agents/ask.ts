import type { RemoteHost } from '../../plugin.ts';
import { becomeLoginShell } from '../shell/login-shell.ts';
import { searchPath } from '../shell/search-path.ts';
import { PlainText } from '../printed/plain-text.ts';
import { redact } from '../printed/redact.ts';
import type { AgentProgram } from './programs.ts';

/** What was found out about one program. */
export type AgentState =
  /** `silent`: it is there and gave no answer in time. `unasked`: its turn never came. */
  | { readonly program: AgentProgram; readonly state: 'missing' | 'logged out' | 'logged in' | 'silent' | 'unasked' }
  /** Its status command failed, and not with what it prints when nobody is logged in: so nobody knows. */
  | { readonly program: AgentProgram; readonly state: 'failed'; readonly says: string };

// The user's own shell as at a login knows best where such programs lie; whatever it is, it gives its words to sh.
const asLogin = `sh=\${SHELL:-/bin/sh}
${becomeLoginShell({ posix: 'exec sh -s', csh: 'exec sh -s', others: '-c "exec sh -s"', operand: '' })}`;

/** How long all of them may take together, ms: each is a program that may look things up. */
const patience = 20_000;

/** Asks each program on the host whether somebody is logged in, by its own status command. Rejects with REMOTE_REFUSED. */
export async function askPrograms(host: RemoteHost, programs: readonly AgentProgram[]): Promise<readonly AgentState[]> {
  const stdin = `${searchPath}\n${programs.map(question).join('\n')}\n`;
  const { stdout } = await host.run(asLogin, { stdin, deadline: patience });
  const answers = new Map(
    stdout
      .split(/^=== /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n'))] as const),
  );
  return programs.map((program) => stateOf(program, answers.get(program.name)));
}

function stateOf(program: AgentProgram, answer: string | undefined): AgentState {
  if (answer === undefined) return { program, state: 'unasked' };
  if (answer.includes('\n== missing\n')) return { program, state: 'missing' };
  const [, said = '', code] = /^([\s\S]*)\n== end (\d+)\n/.exec(answer) ?? [];
  if (code === undefined) return { program, state: 'silent' };
  if (program.loggedOut.test(said)) return { program, state: 'logged out' };
  if (code === '0') return { program, state: 'logged in' };
  const plain = new PlainText();
  return { program, state: 'failed', says: `exit code ${code}${redact(plain.add(Buffer.from(said)) + plain.end())}` };
}

function question({ name, ask }: AgentProgram): string {
  return `echo; echo '=== ${name}'
if command -v ${name} >/dev/null 2>&1; then (${ask}) </dev/null 2>&1; e=$?; echo; echo "== end $e"; else echo; echo '== missing'; fi`;
}
