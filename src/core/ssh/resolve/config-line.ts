import { Fault } from '../../model/fault.ts';
import { delimit } from './delimit.ts';
import { lowerCase } from './pattern.ts';

/** One line of an ssh_config that says something. */
export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string;
  readonly args: readonly string[];
  /** All that follows the keyword, as written: for the keywords that take the rest of the line. */
  readonly rest: string;
  /** `file:line`. */
  readonly at: string;
}

/** Almost every line: nothing is quoted, escaped, commented or set with an equals sign. A config may have ten thousand. */
const plain = /^[ \t]*([A-Za-z0-9]+)[ \t]+([\w$%+,\-./:@^~!*?[\]]+(?:[ \t]+[\w$%+,\-./:@^~!*?[\]]+)*)$/;

/**
 * Takes a line apart as OpenSSH's readconf.c does: a keyword, one optional `=`, then arguments. Null for a blank line or comment.
 * Own code, since ssh-config (npm) accepts what ssh refuses, reads quotes differently and knows no positions.
 */
export function lexLine(text: string, at: string): ConfigLine | null {
  const simple = plain.exec(text);
  if (simple !== null) {
    const [, keyword = '', rest = ''] = simple;
    return { keyword: lowerCase(keyword), args: rest.split(/[ \t]+/), rest, at };
  }
  // A form feed counts as white space at the end of a line only.
  const line = text.replace(/[ \t\r\n\f]+$/, '');
  const first = delimit(line);
  const found = first?.word === '' ? delimit(first.rest) : first;
  if (found === null || found.word === '' || found.word.startsWith('#')) return null;
  const keyword = lowerCase(found.word);
  const rest = (found.rest ?? '').replace(/^[ \t\r\n]+/, '');
  if (rest === '') {
    throw new Fault('SSH_CONFIG_INVALID', `${at}: no argument after "${keyword}"; add one or remove the line`);
  }
  return { keyword, args: splitArguments(rest, at), rest, at };
}

/** Splits arguments as OpenSSH's argv_split(): quotes of both kinds, few escapes, `#` ends the line where an argument would begin. */
function splitArguments(text: string, at: string): readonly string[] {
  const args: string[] = [];
  let arg: string | null = null;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (arg === null) {
      if (c === ' ' || c === '\t') continue;
      if (c === '#') break;
      arg = '';
    }
    const next = text[i + 1];
    if (c === '\\' && (next === "'" || next === '"' || next === '\\' || (quote === '' && next === ' '))) {
      arg += next;
      i++;
    } else if (quote === '' && (c === ' ' || c === '\t')) {
      args.push(arg);
      arg = null;
    } else if (quote === '' && (c === '"' || c === "'")) {
      quote = c;
    } else if (c === quote) {
      quote = '';
    } else {
      arg += c;
    }
  }
  if (quote !== '') throw new Fault('SSH_CONFIG_INVALID', `${at}: a quote (${quote}) is not closed; close it`);
  if (arg !== null) args.push(arg);
  return args;
}
