import type { RemoteHost } from '../../plugin.ts';
import type { AgentProgram } from './programs.ts';

/** What was found out about one program. */
export interface AgentState {
  readonly program: AgentProgram;
  readonly state: 'missing' | 'logged out' | 'logged in' | 'silent';
}

// The user's own shell as at a login, since it alone knows where such programs lie; whatever it is, it gives its words to sh.
// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell expands it
const asLogin = 'exec "${SHELL:-/bin/sh}" -c "exec sh -s"';

/** How long all of them may take together, ms: each starts a program that may look things up. */
const patience = 20_000;

/** Asks each program on the host whether somebody is logged in, by its own status command. Rejects with what the host says to a command. */
export async function askPrograms(
  host: RemoteHost,
  programs: readonly AgentProgram[],
  path: string,
): Promise<readonly AgentState[]> {
  const lines = programs.map(
    ({ name, ask }) =>
      `echo; echo "== ${name}"; if command -v ${name} >/dev/null 2>&1; then echo "== installed"; (${ask}) </dev/null 2>&1; else echo "== missing"; fi`,
  );
  const { stdout } = await host.run(`${path}\n${asLogin}`, {
    stdin: `${path}\n${lines.join('\n')}\n`,
    deadline: patience,
  });
  const said = new Map(
    stdout
      .split(/^== (?!installed|missing)/m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
  );
  return programs.map((program) => {
    const text = said.get(program.name);
    if (text === undefined) return { program, state: 'silent' };
    if (/^== missing$/m.test(text)) return { program, state: 'missing' };
    return { program, state: program.loggedOut.test(text) ? 'logged out' : 'logged in' };
  });
}
