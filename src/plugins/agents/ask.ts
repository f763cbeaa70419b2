import type { RemoteHost } from '../../plugin.ts';
import { searchPath } from '../launch/scripts/search-path.ts';
import type { AgentProgram } from './programs.ts';

/** What was found out about one program. `silent`: it gave no answer in time. */
export interface AgentState {
  readonly program: AgentProgram;
  readonly state: 'missing' | 'logged out' | 'logged in' | 'silent';
}

/** How long all of them may take together, ms: each is a program that may look things up. */
const patience = 20_000;

/** Asks each program on the host whether somebody is logged in, by its own status command. Rejects with REMOTE_REFUSED. */
export async function askPrograms(host: RemoteHost, programs: readonly AgentProgram[]): Promise<readonly AgentState[]> {
  const { stdout } = await host.run(`${searchPath}\n${programs.map(question).join('\n')}`, { deadline: patience });
  const answers = new Map(
    stdout
      .split(/^=== /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
  );
  return programs.map((program) => {
    const text = answers.get(program.name);
    if (text === undefined || !text.includes('\n== end\n')) return { program, state: 'silent' };
    if (text.includes('\n== missing\n')) return { program, state: 'missing' };
    return { program, state: program.loggedOut.test(text) ? 'logged out' : 'logged in' };
  });
}

function question({ name, ask }: AgentProgram): string {
  return `echo; echo '=== ${name}'
if command -v ${name} >/dev/null 2>&1; then (${ask}) </dev/null 2>&1; else echo; echo '== missing'; fi
echo; echo '== end'`;
}
