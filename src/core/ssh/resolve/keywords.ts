import { nearest } from '../../model/nearest.ts';
import { authorities, ciphers, keys, kexes, macs } from './algorithm-names.ts';
import * as choices from './choices.ts';
import { configFault, lineFault } from './config-fault.ts';
import { forward } from './forward-spec.ts';
import { parseJumps } from './jump.ts';
import * as odd from './odd-readers.ts';
import * as read from './readers.ts';
import type { Reader } from './readers.ts';
import { expandTokens } from './tokens.ts';

/** How the values of several lines go together. */
export type Keeping =
  /** The first line that applies. */
  | 'first'
  /** All that apply, each value once. */
  | 'all'
  | 'send-env'
  /** The first line, whether it applies or not: a quirk of OpenSSH. */
  | 'first anywhere'
  /** The last line, whether it applies or not: a quirk of OpenSSH. */
  | 'last anywhere'
  | 'jump';

/** What a keyword of ssh_config takes. */
export interface Keyword {
  /** The name under which it is kept: an alias has another's. */
  readonly name: string;
  readonly read: Reader;
  readonly keep: Keeping;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Every keyword of OpenSSH 9.2 as Debian builds it, and those that newer releases have added. `env`: what `${NAME}` stands for. */
export function keywordTable(env: Env): ReadonlyMap<string, Keyword> {
  const table = new Map<string, Keyword>();
  const add = (names: string, reader: Reader, keep: Keeping = 'first', name?: string) => {
    for (const word of names.split(/\s+/)) table.set(word, { name: name ?? word, read: reader, keep });
  };
  add(flags, read.choice(choices.flag));
  add(
    'kbdinteractiveauthentication challengeresponseauthentication skeyauthentication tisauthentication',
    read.choice(choices.flag),
    'first',
    'kbdinteractiveauthentication',
  );
  add('tcpkeepalive keepalive', read.choice(choices.flag), 'first', 'tcpkeepalive');
  add('pubkeyauthentication dsaauthentication', read.choice(choices.publicKey), 'first', 'pubkeyauthentication');
  add('verifyhostkeydns updatehostkeys', read.choice(choices.yesNoAsk));
  add('stricthostkeychecking', read.choice(choices.strictHostKey));
  add('compression', read.choice(choices.compression));
  add('addressfamily', read.choice(choices.addressFamily));
  add('controlmaster', read.choice(choices.controlMaster));
  add('tunnel', read.choice(choices.tunnel));
  add('requesttty', read.choice(choices.requestTty));
  add('sessiontype', read.choice(choices.sessionType));
  add('canonicalizehostname', read.choice(choices.canonicalize));
  add('loglevel', read.choice(choices.logLevel));
  add('syslogfacility', read.choice(choices.facility), 'first anywhere');
  add('fingerprinthash', read.choice(choices.fingerprintHash));
  add('numberofpasswordprompts connectionattempts serveralivecountmax canonicalizemaxdots requiredrsasize', read.whole);
  add('port', read.port);
  add('connecttimeout forwardx11timeout', read.time);
  add('serveraliveinterval protocolkeepalives setuptimeout', read.time, 'first', 'serveraliveinterval');
  add(texts, read.text);
  add('pkcs11provider smartcarddevice', read.text, 'first', 'pkcs11provider');
  add('proxycommand localcommand remotecommand knownhostscommand', read.command);
  add('proxyjump', jumpReader, 'jump');
  add('identityfile identityfile2', read.text, 'all', 'identityfile');
  add('certificatefile', read.text, 'all');
  add('userknownhostsfile globalknownhostsfile', read.list(32));
  add('canonicaldomains', read.list(32, odd.domain));
  add('canonicalizepermittedcnames', odd.permittedCnames);
  add('logverbose', odd.logVerbose);
  add('permitremoteopen', odd.permitRemoteOpen);
  add('ciphers', read.algorithms(ciphers));
  add('macs', read.algorithms(macs));
  add('kexalgorithms', read.algorithms(kexes));
  add('hostkeyalgorithms', read.algorithms(keys));
  add('casignaturealgorithms', read.algorithms(authorities));
  add('pubkeyacceptedalgorithms pubkeyacceptedkeytypes', read.algorithms(keys), 'first', 'pubkeyacceptedalgorithms');
  add('hostbasedacceptedalgorithms hostbasedkeytypes', read.algorithms(keys), 'first', 'hostbasedacceptedalgorithms');
  add('gssapikexalgorithms', read.gssKex);
  add('rekeylimit', odd.rekeyLimit);
  add('addkeystoagent', odd.addKeysToAgent(choices.addKeys));
  add('controlpersist', odd.controlPersist);
  add('tunneldevice', odd.tunnelDevice);
  add('ipqos', odd.ipQos);
  add('escapechar', odd.escapeChar);
  add('streamlocalbindmask', odd.octalMask, 'last anywhere');
  add('sendenv', odd.sendEnv, 'send-env');
  add('setenv', odd.setEnv);
  add('localforward', forward('local', env), 'all');
  add('remoteforward', forward('remote', env), 'all');
  add('dynamicforward', forward('dynamic', env), 'all');
  add('identityagent', agentPath(env));
  add('forwardagent', odd.forwardAgent(agentPath(env)));
  add(newer, read.command);
  add('tag refuseconnection', read.text);
  add(ignored, read.anything);
  return table;
}

const flags = `forwardx11 forwardx11trusted exitonforwardfailure gatewayports passwordauthentication hostbasedauthentication
  batchmode checkhostip nohostauthenticationforlocalhost clearallforwardings enablesshkeysign identitiesonly
  hashknownhosts permitlocalcommand visualhostkey stdinnull forkafterauthentication proxyusefdpass
  canonicalizefallbacklocal streamlocalbindunlink enableescapecommandline gssapiauthentication gssapikeyexchange
  gssapidelegatecredentials gssapitrustdns gssapirenewalforcesrekey`;
const texts = `user hostname hostkeyalias bindaddress bindinterface controlpath kbdinteractivedevices
  preferredauthentications revokedhostkeys securitykeyprovider xauthlocation ignoreunknown gssapiclientidentity
  gssapiserveridentity`;
/** Of OpenSSH after 9.2, and of Apple's: they have no part in a relay. */
const newer = 'channeltimeout obscurekeystroketiming versionaddendum warnweakcrypto usekeychain';
/** Words that OpenSSH takes and leaves without effect. */
const ignored = `protocol cipher fallbacktorsh globalknownhostsfile2 rhostsauthentication useblacklistedkeys
  userknownhostsfile2 useroaming usersh useprivilegedport afstokenpassing kerberosauthentication kerberostgtpassing
  rsaauthentication rhostsrsaauthentication compressionlevel`;

const jumpReader: Reader = (line, keyword) => {
  const value = line.rest.replace(/^[ \t\r\n=]+/, '');
  parseJumps(value, line);
  return read.part(keyword, value);
};

/** An agent's socket: a path, `none`, `SSH_AUTH_SOCK`, `$NAME`, or with `${NAME}` in it, which must be set at once. */
function agentPath(env: Env): Reader {
  return (line, keyword) => {
    const arg = read.only(line);
    expandTokens(arg, { letters: null, env }, line.at);
    if (arg.startsWith('$') && !arg.startsWith('${') && !/^\$[A-Za-z0-9_]+$/.test(arg)) {
      throw lineFault(line, `is ${JSON.stringify(arg)}, which is no variable; write $NAME or a path`);
    }
    return read.part(keyword, arg);
  };
}

/** The refusal of a keyword that no OpenSSH has, with the one that was probably meant: none that is without effect. */
export function unknownKeyword(keyword: string, at: string): Error {
  const table = [...keywordTable({})];
  const words = table.flatMap(([word, { read: reader }]) => (reader === read.anything ? [] : [word]));
  const near = nearest(keyword, ['host', 'match', 'include', ...words]);
  const meant = near === null ? '' : `, did you mean "${near}"?`;
  return configFault(
    `${at}: "${keyword}" is no keyword of ssh${meant === '' ? ';' : meant} correct it, or name it in IgnoreUnknown before that line`,
  );
}
