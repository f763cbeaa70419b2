/** A program that works on the host on behalf of its user, and says whether it may. */
export interface AgentProgram {
  /** Its name on PATH. */
  readonly name: string;
  /** Asks whether somebody is logged in: a command line for sh, whose words and exit code tell. */
  readonly ask: string;
  /** What it prints when nobody is logged in. */
  readonly loggedOut: RegExp;
  /** What the user runs on the host to log in. */
  readonly login: string;
}

/** Copilot has no status command: it takes a token from the environment, its own config file, or the login of `gh`. */
const copilot =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell expands it
  '[ -n "$COPILOT_GITHUB_TOKEN$GH_TOKEN$GITHUB_TOKEN" ] || grep -q \'"logged_in_users"[^]]*{\' "${COPILOT_HOME:-$HOME/.copilot}/config.json" 2>/dev/null || gh auth status >/dev/null 2>&1 || echo no login found';

/** Every program that is known here. */
export const programs: readonly AgentProgram[] = [
  { name: 'claude', ask: 'claude auth status', loggedOut: /"loggedIn":\s*false/, login: 'claude auth login' },
  { name: 'codex', ask: 'codex login status', loggedOut: /not logged in/i, login: 'codex login' },
  { name: 'copilot', ask: copilot, loggedOut: /^no login found/m, login: 'copilot login' },
  { name: 'cursor-agent', ask: 'cursor-agent status', loggedOut: /not logged in/i, login: 'cursor-agent login' },
  { name: 'opencode', ask: 'opencode auth list', loggedOut: /\b0 credentials\b/, login: 'opencode auth login' },
];
