import { BlockList, isIP } from 'node:net';
import { lineFault } from './config-fault.ts';
import type { ConfigLine } from './config-line.ts';
import { delimit } from './delimit.ts';
import { lowerCase, matchPatterns } from './pattern.ts';

/** What a condition of a Match line asks for. */
type Subject =
  | 'host'
  | 'originalhost'
  | 'user'
  | 'localuser'
  | 'tagged'
  | 'localnetwork'
  | 'command'
  | 'sessiontype'
  | 'version'
  | 'exec';

/** One condition of a Match line (ssh_config(5), Match). */
export type Condition = { readonly negated: boolean } & (
  | { readonly about: 'all' }
  | { readonly about: 'pass'; readonly final: boolean }
  | { readonly about: Subject; readonly argument: string }
);

const subjects: readonly string[] = [
  ...['host', 'originalhost', 'user', 'localuser', 'tagged', 'localnetwork', 'command', 'sessiontype', 'version'],
  'exec',
];

function isSubject(name: string): name is Subject {
  return subjects.includes(name);
}

/** Reads a Match line. Throws SSH_CONFIG_INVALID for one that ssh would refuse. */
export function parseMatch(line: ConfigLine): readonly Condition[] {
  const conditions: Condition[] = [];
  let rest: string | null = line.rest;
  let attributes = 0;
  for (let next = delimit(rest); next !== null && next.word !== ''; next = delimit(rest)) {
    rest = next.rest;
    if (next.word.startsWith('#')) return finish(line, conditions, attributes, null);
    const negated = next.word.startsWith('!');
    const name = lowerCase(next.word.slice(negated ? 1 : 0));
    if (name === 'all') {
      const more = delimit(rest);
      const comment = more?.word.startsWith('#') === true;
      if (attributes > 1 || (more !== null && more.word !== '' && !comment)) {
        throw lineFault(line, '"all" stands last and alone; remove the rest');
      }
      return finish(line, [...conditions, { about: 'all', negated }], 1, comment ? null : (more?.rest ?? null));
    }
    attributes += 1;
    if (name === 'canonical' || name === 'final') {
      conditions.push({ about: 'pass', final: name === 'final', negated });
      continue;
    }
    if (!isSubject(name)) throw lineFault(line, `"${name}" is not a condition of ssh; correct it`);
    const argument = delimit(rest);
    const mayBeEmpty = name === 'tagged' || name === 'command';
    if (argument === null || argument.word.startsWith('#') || (argument.word === '' && !mayBeEmpty)) {
      throw lineFault(line, `"${next.word}" lacks its argument; add it`);
    }
    rest = argument.rest;
    if (name === 'localnetwork') networks(line, argument.word);
    conditions.push({ about: name, argument: argument.word, negated });
  }
  return finish(line, conditions, attributes, rest);
}

function finish(
  line: ConfigLine,
  conditions: readonly Condition[],
  attributes: number,
  left: string | null,
): readonly Condition[] {
  if (attributes === 0) throw lineFault(line, 'has no condition; write "Match all"');
  if (left !== null && left !== '') throw lineFault(line, `has more than it can use ("${left}"); remove it`);
  return conditions;
}

/** True when a name is in a list of patterns, letters of either case being the same (`Match host`). */
export function matchName(name: string, list: string): boolean {
  return matchPatterns(lowerCase(name), lowerCase(list).split(',')) === 'yes';
}

/** True when a text is in a list of patterns that minds the case (`Match user`); an empty text only in an empty list. */
export function matchText(text: string, list: string): boolean {
  return text === '' ? list === '' : matchPatterns(text, list.split(',')) === 'yes';
}

/** True when one of this machine's addresses is in a list of networks (`Match localnetwork`). */
export function matchNetworks(
  line: Pick<ConfigLine, 'at' | 'keyword'>,
  list: string,
  addresses: readonly string[],
): boolean {
  const blocks = networks(line, list);
  return addresses.some((address) => {
    const plain = address.replace(/%.*$/s, '');
    return blocks.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  });
}

function networks(line: Pick<ConfigLine, 'at' | 'keyword'>, list: string): BlockList {
  const blocks = new BlockList();
  for (const network of list.split(',')) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || length < 0 || length > most) {
      throw lineFault(line, `localnetwork has ${JSON.stringify(network)}, which is no network; write 10.0.0.0/8`);
    }
    blocks.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
  }
  return blocks;
}
