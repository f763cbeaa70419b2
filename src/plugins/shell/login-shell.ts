/** What the account's own shell is to do as at a login, in the words of each family. */
export interface LoginWords {
  /** For sh, dash and ash, which source what a login sources first. */
  readonly posix: string;
  /** The same for csh and tcsh. */
  readonly csh: string;
  /** The words after `-l` for all others: bash, zsh, fish. */
  readonly others: string;
  /** What follows `-c WORDS` for the first two; "": nothing. */
  readonly operand: string;
}

/**
 * Becomes the shell in `$sh`, with what it has at a login. fish and zsh take `-l` beside other words. Old shells know no `-l`, and the csh
 * family takes it alone only: they source those files themselves.
 */
export function becomeLoginShell({ posix, csh, others, operand }: LoginWords): string {
  const rest = operand === '' ? '' : ` ${operand}`;
  return `  case \${sh##*/} in
    sh|dash|ash)
      exec "$sh" -c '[ ! -r /etc/profile ] || . /etc/profile; [ ! -r "$HOME/.profile" ] || . "$HOME/.profile"; ${posix}'${rest} ;;
    csh|tcsh)
      exec "$sh" -c 'if (-r /etc/csh.login) source /etc/csh.login; if (-r ~/.login) source ~/.login; ${csh}'${rest} ;;
    *) exec "$sh" -l ${others} ;;
  esac`;
}
