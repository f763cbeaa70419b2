import type { Link } from '../core/ssh/link/link.ts';
import { type Finding, mind, well } from './finding.ts';

/** A program that works there on behalf of its user, and says whether it may. */
interface AgentProgram {
  readonly name: string;
  readonly ask: string;
  /** What it prints when nobody is logged in. */
  readonly loggedOut: RegExp;
  readonly login: string;
}

const programs: readonly AgentProgram[] = [
  { name: 'claude', ask: 'claude auth status', loggedOut: /"loggedIn":\s*false/, login: 'claude auth login' },
  { name: 'codex', ask: 'codex login status', loggedOut: /not logged in/i, login: 'codex login' },
  { name: 'opencode', ask: 'opencode auth list', loggedOut: /\b0 credentials\b/, login: 'opencode auth login' },
];

const patience = 20_000;

// The user's own shell as at a login, since it alone knows where such programs lie; whatever it is, it gives its words to sh.
const asLogin = `sh -c 'exec "\${SHELL:-/bin/sh}" -l -c "exec sh -s"'`;

/** Asks the agent programs that are installed on the host whether somebody is logged in; nothing where none is, or no command runs. */
export async function askAgents(link: Link): Promise<readonly Finding[]> {
  const input = programs
    .map(
      ({ name, ask }) =>
        `if command -v ${name} >/dev/null 2>&1; then echo; echo "== ${name}"; ${ask} </dev/null 2>&1; fi`,
    )
    .join('\n');
  const end = await link.run(asLogin, { input: `${input}\n`, deadline: patience });
  const said = end?.stdout.split(/^== /m).slice(1) ?? [];
  return said.flatMap((text): readonly Finding[] => {
    const program = programs.find(({ name }) => text.startsWith(`${name}\n`));
    if (program === undefined) return [];
    if (!program.loggedOut.test(text)) return [well('agents', program.name, 'installed there, and logged in')];
    return [mind('agents', program.name, 'installed there, and nobody is logged in', `run \`${program.login}\` there`)];
  });
}
