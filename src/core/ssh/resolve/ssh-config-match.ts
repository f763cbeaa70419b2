import { Fault } from '../../model/fault.ts';
import { matchPattern, matchPatterns } from './pattern.ts';
import type { ConfigLine } from './ssh-config-line.ts';

/** What Host and Match lines ask about. */
export interface MatchFacts {
  /** The name on the command line; in the final pass the name that HostName gave. */
  readonly host: string;
  /** As the user wrote it. */
  readonly original: string;
  /** HostName as far as it is known by now. */
  readonly hostName: string;
  readonly user: string;
  readonly localUser: string;
  /** ssh reads everything a second time where a `Match final` was seen. */
  readonly final: boolean;
}

/** The answer of a Match line. `wantsFinal`: it asked for a second pass. `warning`: a condition that is not evaluated. */
export interface MatchAnswer {
  readonly matches: boolean;
  readonly wantsFinal: boolean;
  readonly warning: string | null;
}

/** True when a Host line names the host. */
export function matchHostLine(line: ConfigLine, host: string): boolean {
  if (line.args.includes('')) throw new Fault('SSH_CONFIG_INVALID', `${line.at}: Host has an empty pattern; remove it`);
  return matchPatterns(host, line.args) === 'yes';
}

/** Conditions that OpenSSH knows and that are not evaluated yet; nothing is ever executed for one. */
const unsupported = ['exec', 'localnetwork', 'tagged', 'command', 'sessiontype', 'version'];

/** Evaluates a Match line: all, final, canonical, host, originalhost, user, localuser. Any other condition never holds. */
export function matchMatchLine(line: ConfigLine, facts: MatchFacts): MatchAnswer {
  let matches = true;
  let wantsFinal = false;
  let warning: string | null = null;
  let conditions = 0;
  const words = splitConditions(line);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const negated = word.startsWith('!');
    const name = word.slice(negated ? 1 : 0).toLowerCase();
    conditions++;
    let holds: boolean;
    if (name === 'all') {
      if (words.length > 0) throw invalid(line, '"all" stands last and alone; remove the rest');
      holds = true;
    } else if (name === 'final' || name === 'canonical') {
      wantsFinal ||= name === 'final';
      holds = facts.final;
    } else {
      const arg = words.shift();
      if (arg === undefined || arg === '') throw invalid(line, `"${word}" lacks its argument; add it`);
      if (unsupported.includes(name)) {
        if (matches) warning = `${line.at}: "Match ${word}" is not supported yet; the block is left out`;
        matches = false;
        continue;
      }
      holds = ask(line, name, arg, facts);
    }
    matches &&= holds !== negated;
  }
  if (conditions === 0) throw invalid(line, 'has no condition; write "Match all"');
  return { matches, wantsFinal, warning: matches ? null : warning };
}

function ask(line: ConfigLine, name: string, arg: string, facts: MatchFacts): boolean {
  const patterns = arg.split(',');
  const names = patterns.map((pattern) => pattern.toLowerCase());
  switch (name) {
    case 'host':
      return matchPatterns(facts.hostName.toLowerCase(), names) === 'yes';
    case 'originalhost':
      return matchPatterns(facts.original.toLowerCase(), names) === 'yes';
    case 'user':
      return matchPatterns(facts.user, patterns) === 'yes';
    case 'localuser':
      return matchPatterns(facts.localUser, patterns) === 'yes';
    default:
      throw invalid(line, `"${name}" is not a condition of ssh; correct it`);
  }
}

/** ssh splits a Match line at `=` too, and stops at a comment. */
function splitConditions(line: ConfigLine): string[] {
  const words: string[] = [];
  const pattern = /[ \t]*(?:"([^"]*)"|([^ \t"=]+))(?:[ \t]*=)?/gy;
  for (const [, quoted, bare] of line.rest.matchAll(pattern)) {
    const word = quoted ?? bare ?? '';
    if (word.startsWith('#')) break;
    words.push(word);
  }
  return words;
}

/** True when IgnoreUnknown names the keyword. */
export function isIgnored(keyword: string, patterns: string): boolean {
  return patterns.split(',').some((pattern) => matchPattern(keyword, pattern.toLowerCase()));
}

function invalid(line: ConfigLine, text: string): Fault {
  return new Fault('SSH_CONFIG_INVALID', `${line.at}: Match ${text}`);
}
