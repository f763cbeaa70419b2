import { Fault } from '../../model/fault.ts';
import { parseHostSpec } from './host-name.ts';
import type { ConfigLine } from './ssh-config-line.ts';

/** Checks a line's arguments and gives them in the form in which they are kept. */
type Reader = (line: ConfigLine) => readonly string[];

/** The keywords that are honoured. Values are checked even in blocks that do not apply, as ssh does. */
export const readers: Readonly<Record<string, Reader>> = {
  hostname: one,
  user: one,
  port: (line) => [number(line, 1, 65_535)],
  identityfile: one,
  identityfile2: one,
  identitiesonly: (line) => [choice(line, { yes: 'yes', true: 'yes', no: 'no', false: 'no' })],
  identityagent: one,
  userknownhostsfile: list,
  globalknownhostsfile: list,
  hostkeyalias: one,
  proxyjump: jump,
  proxycommand: (line) => [line.rest],
  serveraliveinterval: (line) => [seconds(line)],
  serveralivecountmax: (line) => [number(line, 0, 2_147_483_647)],
  stricthostkeychecking: (line) => [
    choice(line, { yes: 'yes', true: 'yes', ask: 'yes', 'accept-new': 'yes', no: 'no', false: 'no', off: 'no' }),
  ],
  ignoreunknown: one,
};

/** Keywords whose absence changes what a link is or may do: where one applies, the user is told. A value in the list is harmless. */
export const missing: Readonly<Record<string, readonly string[]>> = {
  addressfamily: ['any'],
  bindaddress: [],
  bindinterface: ['none'],
  canonicalizehostname: ['no', 'false', 'none'],
  casignaturealgorithms: [],
  certificatefile: ['none'],
  ciphers: [],
  hostbasedauthentication: ['no', 'false'],
  hostkeyalgorithms: [],
  kexalgorithms: [],
  knownhostscommand: ['none'],
  macs: [],
  pkcs11provider: ['none'],
  preferredauthentications: [],
  proxyusefdpass: ['no', 'false'],
  pubkeyacceptedalgorithms: [],
  pubkeyacceptedkeytypes: [],
  pubkeyauthentication: ['yes', 'true'],
  requiredrsasize: [],
  securitykeyprovider: ['internal', 'none'],
  verifyhostkeydns: ['no', 'false'],
};

/** Keywords that OpenSSH knows and that play no part in a relay. */
const idle = `addkeystoagent batchmode canonicaldomains canonicalizefallbacklocal canonicalizemaxdots
  canonicalizepermittedcnames challengeresponseauthentication channeltimeout checkhostip clearallforwardings compression
  compressionlevel connectionattempts connecttimeout controlmaster controlpath controlpersist dynamicforward
  enableescapecommandline enablesshkeysign escapechar exitonforwardfailure fingerprinthash forkafterauthentication
  forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports gssapiauthentication gssapidelegatecredentials
  gssapiclientidentity gssapikeyexchange gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns gssapikexalgorithms
  hashknownhosts hostbasedacceptedalgorithms hostbasedkeytypes host include ipqos kbdinteractiveauthentication
  kbdinteractivedevices keepalive localcommand localforward loglevel logverbose match nohostauthenticationforlocalhost
  numberofpasswordprompts obscurekeystroketiming passwordauthentication permitlocalcommand permitremoteopen protocol
  refuseconnection rekeylimit remotecommand remoteforward requesttty revokedhostkeys sendenv serveralivecountmax sessiontype setenv
  skeyauthentication smartcarddevice stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tag tcpkeepalive
  tunnel tunneldevice updatehostkeys useprivilegedport useroaming usersh versionaddendum visualhostkey warnweakcrypto xauthlocation`;

const known = new Set([...idle.split(/\s+/), ...Object.keys(readers), ...Object.keys(missing)]);

/** True for a keyword of OpenSSH 9 or 10. */
export function isKnownKeyword(keyword: string): boolean {
  return known.has(keyword);
}

/** The hosts of a ProxyJump, nearest first, as written; none for "none". */
export function splitJump(value: string): readonly string[] {
  return value.toLowerCase() === 'none' ? [] : value.split(',');
}

function one(line: ConfigLine): readonly string[] {
  const [arg, extra] = line.args;
  if (arg === undefined || arg === '') throw invalid(line, 'lacks its argument; add it');
  if (extra !== undefined) throw invalid(line, `has an argument too many ("${extra}"); quote it or remove it`);
  return [arg];
}

function list(line: ConfigLine): readonly string[] {
  const none = line.args.some((arg) => arg.toLowerCase() === 'none');
  if (line.args.length === 0 || line.args.includes('')) throw invalid(line, 'has an empty argument; remove it');
  if (none && line.args.length > 1) throw invalid(line, 'takes "none" only alone; remove it');
  return none ? [] : line.args;
}

function jump(line: ConfigLine): readonly string[] {
  // The rest of the line with its quotes, as ssh reads it: a quoted list is refused by the allow-list.
  const value = line.rest.replace(/[ \t]*#.*$/, '');
  for (const hop of splitJump(value)) {
    try {
      parseHostSpec(hop);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Fault('HOST_INVALID', `${line.at}: ProxyJump ${JSON.stringify(value)}: ${why}`, { cause: error });
    }
  }
  return [value];
}

function number(line: ConfigLine, least: number, most: number): string {
  const [text = ''] = one(line);
  const value = /^\+?\d{1,10}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return String(value);
  throw invalid(line, `is ${JSON.stringify(text)}; write a number from ${least} to ${most}`);
}

function choice(line: ConfigLine, values: Readonly<Record<string, string>>): string {
  const [text = ''] = one(line);
  const key = text.toLowerCase();
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  if (value !== undefined) return value;
  throw invalid(line, `is ${JSON.stringify(text)}; write ${Object.keys(values).join(', ')}`);
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** sshd_config(5), TIME FORMATS: `90`, `1m30s`. "none" is 0. */
function seconds(line: ConfigLine): string {
  const [text = ''] = one(line);
  if (text === 'none') return '0';
  if (!/^(?:\d{1,9}[smhdw]?)+$/i.test(text))
    throw invalid(line, `is ${JSON.stringify(text)}; write a time such as 30 or 1m`);
  const parts = [...text.matchAll(/(\d+)([smhdw]?)/gi)];
  const sum = parts.reduce(
    (total, [, digits, unit]) => total + Number(digits) * (units[(unit || 's').toLowerCase()] ?? 1),
    0,
  );
  // setTimeout() takes no more than 2^31 ms, about 24 days.
  if (sum > 2_000_000) throw invalid(line, `is ${JSON.stringify(text)}; write at most 3 weeks`);
  return String(sum);
}

function invalid(line: ConfigLine, text: string): Fault {
  return new Fault('SSH_CONFIG_INVALID', `${line.at}: ${line.keyword} ${text}`);
}
