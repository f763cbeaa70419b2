import type { Choices } from './choices.ts';
import { lineFault } from './config-fault.ts';
import type { ConfigLine } from './config-line.ts';
import { intMax, parseAnyBase, parsePort, parseSize, parseWhole } from './numbers.ts';
import { checkAlone, list, noMore, only, part, type Reader, required, seconds } from './readers.ts';

/** A domain name, in lower case and without its last dot (CanonicalDomains). */
export function domain(line: ConfigLine, arg: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(arg) || arg.includes('..')) {
    throw lineFault(line, `has ${JSON.stringify(arg)}, which is no domain; correct it`);
  }
  return arg.toLowerCase().replace(/\.$/, '');
}

/** Either `none`, `*` or `sources:targets`. */
export const permittedCnames: Reader = (line, keyword) => {
  checkAlone(line, ['none']);
  if (line.args.length > 32) throw lineFault(line, 'has more than 32 entries; remove some');
  const rules = line.args.map((arg) => {
    if (arg.toLowerCase() === 'none') return `${arg}:`;
    if (arg === '*') return '*:*';
    if (!/^[^:]*:./s.test(arg)) throw lineFault(line, `has ${JSON.stringify(arg)}; write SOURCES:TARGETS`);
    return arg.toLowerCase();
  });
  return rules.length === 0 ? [] : part(keyword, ...rules);
};

/** `yes`, `no`, or an agent's socket: two values, of which each is kept by itself. */
export function forwardAgent(agentPath: Reader): Reader {
  return (line, keyword) => {
    const word = { true: 'yes', yes: 'yes', false: 'no', no: 'no' }[required(line, 0).toLowerCase()];
    if (word === undefined) return [...part(keyword, 'yes'), ...agentPath(line, 'forwardagentpath')];
    noMore(line, 1);
    return part(keyword, word);
  };
}

export const rekeyLimit: Reader = (line, keyword) => {
  const arg = required(line, 0);
  const size = arg === 'default' ? 0n : parseSize(arg);
  if (size === null) throw lineFault(line, `is ${JSON.stringify(arg)}; write a size such as 1G`);
  if (size !== 0n && size < 16n)
    throw lineFault(line, `is ${JSON.stringify(arg)}, which is too small; write 16 or more`);
  const limit = part(keyword, String(size));
  const interval = line.args[1];
  noMore(line, 2);
  if (interval === undefined || interval === 'none') return limit;
  return [...limit, ...part('rekeyinterval', String(seconds(line, interval)))];
};

export const addKeysToAgent =
  (choices: Choices): Reader =>
  (line, keyword) => {
    const arg = required(line, 0);
    const lifetime = line.args[1];
    noMore(line, 2);
    const key = arg.toLowerCase();
    const word = Object.hasOwn(choices, key) ? choices[key] : undefined;
    if (word === undefined && lifetime === undefined) return part(keyword, 'true', String(seconds(line, arg)));
    if (word === undefined || (lifetime !== undefined && word !== 'confirm')) {
      throw lineFault(line, `is ${JSON.stringify(arg)}; write yes, no, ask, confirm or a time`);
    }
    return part(keyword, word, lifetime === undefined ? '0' : String(seconds(line, lifetime)));
  };

export const controlPersist: Reader = (line, keyword) => {
  const arg = only(line);
  if (arg === 'no' || arg === 'false') return part(keyword, 'no', '0');
  if (arg === 'yes' || arg === 'true') return part(keyword, 'yes', '0');
  return part(keyword, 'yes', String(seconds(line, arg)));
};

export const tunnelDevice: Reader = (line, keyword) => {
  const arg = only(line);
  const [local = '', remote] = /^([^:]*)(?::(.*))?$/s.exec(arg)?.slice(1) ?? [];
  const units = [local, remote ?? 'any'].map((unit) =>
    unit.toLowerCase() === 'any' ? 'any' : parseWhole(unit, 0, intMax - 2),
  );
  if (units.includes(null)) throw lineFault(line, `is ${JSON.stringify(arg)}; write LOCAL:REMOTE, numbers or "any"`);
  return part(keyword, units.join(':'));
};

const dscp: Readonly<Record<string, number>> = Object.fromEntries([
  ['none', intMax],
  ...[1, 2, 3, 4].flatMap((n) => [1, 2, 3].map((m) => [`af${n}${m}`, n * 32 + m * 8] as const)),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`cs${n}`, n * 32] as const),
  ['ef', 0xb8],
  ['le', 0x04],
  ['lowdelay', 0x10],
  ['throughput', 0x08],
  ['reliability', 0x04],
]);

export const ipQos: Reader = (line, keyword) => {
  const classes = [required(line, 0), line.args[1] ?? required(line, 0)].map((arg) => {
    const value = dscp[arg.toLowerCase()] ?? parseAnyBase(arg, 0, 255);
    if (value === null) throw lineFault(line, `is ${JSON.stringify(arg)}; write a class such as af21, or 0 to 255`);
    const name = Object.keys(dscp).find((one) => dscp[one] === value);
    return name ?? `0x${value.toString(16).padStart(2, '0')}`;
  });
  noMore(line, 2);
  return part(keyword, ...classes);
};

export const octalMask: Reader = (line, keyword) => {
  const arg = only(line);
  const digits = /^[ \t\n\v\f\r]*\+?([0-7]+)/.exec(arg)?.[1];
  const value = Number.parseInt(digits ?? '', 8);
  if (!(value >= 0 && value <= 0o777)) throw lineFault(line, `is ${JSON.stringify(arg)}; write an octal mask`);
  return part(keyword, `0${value.toString(8)}`);
};

export const escapeChar: Reader = (line, keyword) => {
  const arg = only(line);
  if (arg === 'none') return part(keyword, 'none');
  const caret = /^\^([@-\x7f])$/.exec(arg)?.[1];
  const code = caret === undefined ? arg.charCodeAt(0) : caret.charCodeAt(0) & 31;
  if (caret === undefined && Buffer.byteLength(arg) !== 1) {
    throw lineFault(line, `is ${JSON.stringify(arg)}; write one character, ^ and a letter, or none`);
  }
  return part(keyword, visible(code));
};

/** vis(3) with VIS_WHITE. */
function visible(code: number): string {
  if (code === 0x20) return '\\040';
  if (code === 0x7f) return '\\^?';
  if (code < 0x20) return `\\^${String.fromCharCode(code + 64)}`;
  return code === 0x5c ? '\\\\' : String.fromCharCode(code);
}

export const permitRemoteOpen: Reader = (line, keyword) => {
  if (line.args.length === 0) throw lineFault(line, 'lacks its argument; add it');
  checkAlone(line, ['none', 'any']);
  for (const arg of line.args) {
    if (/^(?:none|any)$/i.test(arg)) continue;
    const port = /^(?:\[[^\]]*\]|[^:/[]*):(.*)$/s.exec(arg)?.[1];
    if (port === undefined || (port !== '*' && !parsePort(port))) {
      throw lineFault(line, `has ${JSON.stringify(arg)}; write HOST:PORT`);
    }
  }
  return part(keyword, ...line.args);
};

export const sendEnv: Reader = (line, keyword) => {
  const bad = line.args.find((arg) => arg === '' || arg.includes('='));
  if (bad !== undefined) throw lineFault(line, `has ${JSON.stringify(bad)}, which is no name; correct it`);
  return line.args.map((arg) => ({ keyword, values: [arg] }));
};

export const setEnv: Reader = (line, keyword) => {
  const bad = line.args.find((arg) => !arg.includes('='));
  if (bad !== undefined) throw lineFault(line, `has ${JSON.stringify(bad)}; write NAME=VALUE`);
  const names = new Set<string>();
  const values = line.args.filter((arg) => {
    const name = arg.slice(0, arg.indexOf('='));
    return names.has(name) ? false : names.add(name);
  });
  return values.length === 0 ? [] : part(keyword, ...values);
};

/** Only the first word of the first line is kept: a quirk of OpenSSH. */
export const logVerbose: Reader = (line, keyword) =>
  list(Number.MAX_SAFE_INTEGER)(line, keyword).flatMap((one) => part(keyword, ...one.values.slice(0, 1)));
