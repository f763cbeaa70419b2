/** A program that works on the host on behalf of its user, and says whether it may. */
export interface AgentProgram {
  /** Its name on PATH. */
  readonly name: string;
  /** Asks whether somebody is logged in: a command line for sh, whose words and exit code tell. */
  readonly ask: string;
  /** What it prints when nobody is logged in; where it prints that, its exit code says no more. */
  readonly loggedOut: RegExp;
  /** What the user runs on the host to see what is wrong with it. */
  readonly look: string;
  /** What the user runs on the host to log in. */
  readonly login: string;
}

/** Copilot has no status command: it takes a token from the environment, its own config file, or the login of `gh`. */
const copilot =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell expands it
  '[ -n "$COPILOT_GITHUB_TOKEN$GH_TOKEN$GITHUB_TOKEN" ] || grep -q \'"logged_in_users"[^]]*{\' "${COPILOT_HOME:-$HOME/.copilot}/config.json" 2>/dev/null || gh auth status >/dev/null 2>&1 || echo no login found';

/** Every program that is known here. */
export const programs: readonly AgentProgram[] = [
  known('claude', 'claude auth status', /"loggedIn":\s*false/, 'claude auth login'),
  known('codex', 'codex login status', /not logged in/i, 'codex login'),
  { name: 'copilot', ask: copilot, loggedOut: /^no login found/m, look: 'gh auth status', login: 'copilot login' },
  known('cursor-agent', 'cursor-agent status', /not logged in/i, 'cursor-agent login'),
  known('opencode', 'opencode auth list', /\b0 credentials\b/, 'opencode auth login'),
];

function known(name: string, look: string, loggedOut: RegExp, login: string): AgentProgram {
  return { name, ask: look, loggedOut, look, login };
}
