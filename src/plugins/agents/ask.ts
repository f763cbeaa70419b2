import type { RemoteHost } from '../../plugin.ts';
import { searchPath } from '../launch/scripts/search-path.ts';
import type { AgentProgram } from './programs.ts';

/** What was found out about one program. `silent`: it gave no answer in time. */
export interface AgentState {
  readonly program: AgentProgram;
  readonly state: 'missing' | 'logged out' | 'logged in' | 'silent';
}

// The user's own shell as at a login knows best where such programs lie; whatever it is, it gives its words to sh. A csh takes no -l beside -c.
const asLogin = `case \${SHELL:=/bin/sh} in
*csh) exec "$SHELL" -c "exec sh -s" ;;
*) exec "$SHELL" -l -c "exec sh -s" ;;
esac`;

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
