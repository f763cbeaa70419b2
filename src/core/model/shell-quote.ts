import { Fault } from './fault.ts';

/**
 * Quotes one argument for the login shell of a remote host, whichever that is: sh and its kin, fish, csh. What one of them would obey
 * even inside single quotes (`\` in fish, `!` in csh) stands outside with a backslash before it. A newline survives in all but csh,
 * which ends the command there. Throws CONFIG_INVALID for what no command line can carry: NUL, half a surrogate pair.
 */
export function quoteForShell(argument: string): string {
  if (/\0|\p{Cs}/u.test(argument)) {
    const what = argument.includes('\0') ? 'a NUL' : 'half a character';
    throw new Fault(
      'CONFIG_INVALID',
      `an argument for a shell has ${what}, which no command line can carry; remove it`,
    );
  }
  if (argument === '') return "''";
  return argument.replace(/([\\'!])|[^\\'!]+/g, (text, alone?: string) =>
    alone === undefined ? `'${text}'` : `\\${alone}`,
  );
}
