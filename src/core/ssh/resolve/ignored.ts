import type { Settings } from './settings.ts';

/** A setting that plays no part in a relay, and why. */
export interface Ignored {
  readonly keyword: string;
  readonly value: string;
  readonly at: string;
  readonly why: string;
  /** A sentence for the user where its absence changes what a link is or may do; null where it is harmless. */
  readonly warning: string | null;
}

const session = 'a relay runs no session';
const forwards = 'a relay has its own forwards';
const sharing = 'each relay keeps its own connection';
const ownLog = 'towline has its own log';
const harmless: Readonly<Record<string, string>> = {
  addkeystoagent: 'a key is never put into the agent for you',
  channeltimeout: 'a connection that is silent is not ended',
  checkhostip: 'known_hosts is asked for the name only, as ssh does by default',
  clearallforwardings: forwards,
  compression: 'forwarded bytes are not compressed',
  connecttimeout: 'the relay has its own deadlines',
  connectionattempts: 'a relay tries again by itself, for ever',
  controlmaster: sharing,
  controlpath: sharing,
  controlpersist: sharing,
  enableescapecommandline: session,
  enablesshkeysign: 'host based authentication is not supported',
  escapechar: session,
  exitonforwardfailure: 'status tells of each forward by itself',
  fingerprinthash: 'fingerprints are shown as SHA256',
  forkafterauthentication: session,
  forwardagent: 'a relay never forwards the agent',
  forwardx11: session,
  forwardx11timeout: session,
  forwardx11trusted: session,
  gatewayports: forwards,
  gssapiauthentication: 'GSSAPI is not supported; the other methods are used',
  gssapiclientidentity: 'GSSAPI is not supported',
  gssapidelegatecredentials: 'GSSAPI is not supported',
  gssapikexalgorithms: 'GSSAPI is not supported',
  gssapikeyexchange: 'GSSAPI is not supported',
  gssapirenewalforcesrekey: 'GSSAPI is not supported',
  gssapiserveridentity: 'GSSAPI is not supported',
  gssapitrustdns: 'GSSAPI is not supported',
  hostbasedacceptedalgorithms: 'host based authentication is not supported',
  ipqos: 'the class of service is left to the system',
  kbdinteractivedevices: 'the server chooses the device',
  localcommand: 'no local command is run for a relay',
  localforward: forwards,
  loglevel: ownLog,
  logverbose: ownLog,
  nohostauthenticationforlocalhost: 'host keys are always checked',
  obscurekeystroketiming: session,
  permitlocalcommand: 'no local command is run for a relay',
  permitremoteopen: forwards,
  rekeylimit: 'the server decides when keys are renewed',
  remotecommand: session,
  remoteforward: forwards,
  requesttty: session,
  sendenv: session,
  sessiontype: session,
  setenv: session,
  stdinnull: session,
  streamlocalbindmask: 'sockets of a relay are made 0600',
  streamlocalbindunlink: 'a socket that is in use is never taken away',
  syslogfacility: ownLog,
  tcpkeepalive: 'towline asks the server itself (keepalive)',
  tunnel: 'a relay forwards connections, not packets',
  tunneldevice: 'a relay forwards connections, not packets',
  updatehostkeys: 'known_hosts is written only by you, by accept-new and by `towline trust`',
  usekeychain: 'keys are taken from files and ssh-agent',
  versionaddendum: 'the identification string is that of the SSH library',
  visualhostkey: 'fingerprints are shown as text',
  warnweakcrypto: 'of what is outdated there is a warning; `towline doctor` tells all that was agreed',
  xauthlocation: session,
};

/** Keywords whose absence is felt. */
const felt: Readonly<Record<string, string>> = {
  bindinterface: 'an interface cannot be bound; use BindAddress',
  casignaturealgorithms: 'host certificates are not supported',
  hostbasedauthentication: 'host based authentication is not supported',
  knownhostscommand: 'no command is asked for host keys; put them into a known_hosts file',
  pkcs11provider: 'tokens are not supported directly; load them into ssh-agent with `ssh-add -s`',
  securitykeyprovider: 'security keys are used through ssh-agent',
  verifyhostkeydns: 'host keys are not looked up in the DNS',
};

/** Values, as `ssh -G` prints them, that ask for what a relay does anyway: nothing. */
const idle: readonly string[] = ['no', 'false', 'none'];

/** Where such a value asks for something all the same: for less than a relay does, or for a refusal. */
const never: readonly string[] = ['tcpkeepalive', 'permitremoteopen', 'warnweakcrypto'];

/** Everything that is set, asks for something, and plays no part in a relay; in alphabetical order. */
export function ignoredSettings(settings: Settings): readonly Ignored[] {
  const quiet = Object.entries(harmless).flatMap(([keyword, why]) => read(settings, keyword, why));
  const loud = Object.entries(felt).flatMap(([keyword, why]) =>
    read(settings, keyword, why).map(
      (one): Ignored => ({ ...one, warning: `${one.at}: "${keyword}" is left out: ${why}` }),
    ),
  );
  return [...quiet, ...loud].sort((a, b) => (a.keyword < b.keyword ? -1 : a.keyword > b.keyword ? 1 : 0));
}

function read(settings: Settings, keyword: string, why: string): readonly Ignored[] {
  return settings
    .all(keyword)
    .map(({ values, at }): Ignored => ({ keyword, value: values.join(' '), at, why, warning: null }))
    .filter(({ value }) => !isIdle(keyword, value.toLowerCase()));
}

function isIdle(keyword: string, value: string): boolean {
  // The library that ssh itself comes with.
  if (keyword === 'securitykeyprovider' && value === 'internal') return true;
  return idle.includes(value) && !never.includes(keyword);
}
