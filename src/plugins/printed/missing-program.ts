/** The program that a shell says it did not find, by the lines that it printed; null where none says so. */
export function missingProgram(lines: readonly string[]): string | null {
  for (const line of lines.toReversed()) {
    // sh and dash; bash, of a path too; zsh and fish, which name it behind.
    const name =
      /(?:^|[\s:])([\w.@/+~-]+): (?:(?:command )?not found|No such file or directory)$/.exec(line)?.[1] ??
      /(?:command not found|no such file or directory|Unknown command): ([\w.@/+~-]+)$/.exec(line)?.[1];
    if (name !== undefined) return name;
  }
  return null;
}

/** A shell looks for a name on the PATH, and for what has a slash in it nowhere else than there (POSIX, 2.9.1.1). */
export function isPath(program: string): boolean {
  return program.includes('/');
}
