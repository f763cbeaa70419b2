/** A text as a person types it in a command that a message advises: in quotes where his shell would take it apart. */
export function shellWord(text: string): string {
  return /^[\w./][\w./~-]*$/.test(text) ? text : quotedWord(text);
}

/** The same, always in quotes. For a command line of ours see `quoteForShell`: this one is for the shell that the person sits at. */
export function quotedWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
