import {
  assembleAlgorithms,
  authorities,
  ciphers,
  keys,
  kexes,
  macs,
  type AlgorithmFamily,
} from './algorithm-names.ts';
import { configFault } from './config-fault.ts';
import { connectionLetters } from './connection-letters.ts';
import { defaultIdentities } from './default-identities.ts';
import { type Jump, parseJumps } from './jump.ts';
import { lowerCase } from './pattern.ts';
import type { Resolution } from './resolution.ts';
import type { Setting } from './settings.ts';
import { expandTilde, expandTokens, type Tokens } from './tokens.ts';

/** One line of what `ssh -G` prints, with the place that set it; null for a default. */
export interface DumpLine {
  readonly keyword: string;
  readonly text: string;
  readonly at: string | null;
}

const flags = `batchmode=no canonicalizefallbacklocal=yes canonicalizehostname=false checkhostip=no compression=no
  controlmaster=false enablesshkeysign=no clearallforwardings=no exitonforwardfailure=no fingerprinthash=SHA256
  forwardx11=no forwardx11trusted=yes gatewayports=no gssapiauthentication=no gssapikeyexchange=no
  gssapidelegatecredentials=no gssapitrustdns=no gssapirenewalforcesrekey=no`;
const moreFlags = `hashknownhosts=no hostbasedauthentication=no identitiesonly=no kbdinteractiveauthentication=yes
  nohostauthenticationforlocalhost=no passwordauthentication=yes permitlocalcommand=no proxyusefdpass=no
  pubkeyauthentication=true requesttty=auto sessiontype=default stdinnull=no forkafterauthentication=no
  streamlocalbindunlink=no stricthostkeychecking=ask tcpkeepalive=yes`;
const numbers = `canonicalizemaxdots=1 connectionattempts=1 forwardx11timeout=1200 numberofpasswordprompts=3
  serveralivecountmax=3`;
const gssKex =
  'gss-group14-sha256-,gss-group16-sha512-,gss-nistp256-sha256-,gss-curve25519-sha256-,gss-group14-sha1-,gss-gex-sha1-';

/** What `ssh -G` of OpenSSH 9.2 prints for the host, in its order. Throws SSH_CONFIG_INVALID where ssh refuses to go on. */
export function dumpLines(resolution: Resolution): readonly DumpLine[] {
  const dump = new Dump(resolution);
  dump.write();
  return dump.lines;
}

class Dump {
  readonly lines: DumpLine[] = [];
  readonly #resolution: Resolution;
  readonly #tokens: Tokens;

  constructor(resolution: Resolution) {
    this.#resolution = resolution;
    this.#tokens = { letters: connectionLetters(resolution), env: resolution.options.env };
  }

  write(): void {
    const { query, user, hostName, port } = this.#resolution;
    const jumps = this.#jumps();
    this.#check(jumps);
    this.#line('host', query.host, null);
    this.#line('user', user, this.#at('user'));
    this.#line('hostname', hostName, this.#at('hostname'));
    this.#line('port', String(port), this.#at('port'));
    this.#withDefaults('addressfamily=any');
    this.#withDefaults(flags);
    this.#texts('gssapiclientidentity gssapiserveridentity');
    this.#withDefaults(`gssapikexalgorithms=${gssKex}`);
    this.#withDefaults(moreFlags);
    // Without forwards there is no tunnel either.
    if (this.#cleared) this.#line('tunnel', 'false', this.#at('clearallforwardings'));
    else this.#withDefaults('tunnel=false');
    this.#withDefaults('verifyhostkeydns=false visualhostkey=no');
    this.#line('updatehostkeys', this.#updateHostKeys(), this.#at('updatehostkeys'));
    this.#withDefaults('enableescapecommandline=no');
    this.#withDefaults(numbers);
    this.#withDefaults(`serveraliveinterval=${this.#value('batchmode') === 'yes' ? 300 : 0} requiredrsasize=1024`);
    this.#texts('bindaddress bindinterface');
    this.#algorithms('ciphers', ciphers);
    this.#text('controlpath', (text, at) => this.#path(text, at));
    this.#algorithms('hostkeyalgorithms', keys);
    this.#text('hostkeyalias', lowerCase);
    this.#algorithms('hostbasedacceptedalgorithms', keys);
    this.#text('identityagent', (text, at) => this.#path(text, at));
    this.#texts('ignoreunknown kbdinteractivedevices');
    this.#algorithms('kexalgorithms', kexes);
    this.#algorithms('casignaturealgorithms', authorities);
    this.#text('localcommand');
    this.#text('remotecommand', (text, at) => expandTokens(text, { ...this.#tokens, env: null }, at));
    this.#withDefaults('loglevel=INFO');
    this.#algorithms('macs', macs);
    this.#text('pkcs11provider');
    if (this.#setting('securitykeyprovider') === undefined) this.#line('securitykeyprovider', 'internal', null);
    else this.#text('securitykeyprovider');
    this.#texts('preferredauthentications');
    this.#algorithms('pubkeyacceptedalgorithms', keys);
    this.#text('revokedhostkeys');
    this.#withDefaults('xauthlocation=/usr/bin/xauth');
    this.#text('knownhostscommand');
    this.#forwards();
    this.#files();
    this.#rest();
    this.#proxy(jumps);
  }

  get #cleared(): boolean {
    return this.#value('clearallforwardings') === 'yes';
  }

  #jumps(): readonly Jump[] {
    const setting = this.#setting('proxyjump');
    return setting === undefined ? [] : parseJumps(setting.values[0] ?? '', { at: setting.at, keyword: 'proxyjump' });
  }

  /** What makes `ssh -G` end with an error only after everything was read. */
  #check(jumps: readonly Jump[]): void {
    const { hostName, user, port } = this.#resolution;
    const last = jumps.at(-1);
    const looped =
      last !== undefined && last.host === hostName && (last.port ?? 22) === port && (last.user ?? user) === user;
    if (looped)
      throw configFault(`${this.#at('proxyjump')}: ProxyJump leads from "${last.host}" to itself; write "none"`);
    if (this.#value('connectionattempts') === '0')
      throw configFault(`${this.#at('connectionattempts')}: ConnectionAttempts is 0; write 1`);
    const session = this.#value('sessiontype') === 'none' || this.#command('remotecommand') !== null;
    if (this.#value('forkafterauthentication') === 'yes' && !session) {
      throw configFault(`${this.#at('forkafterauthentication')}: ForkAfterAuthentication needs a command; remove it`);
    }
    if (this.#value('proxycommand') === '-' && this.#value('proxyusefdpass') === 'yes') {
      throw configFault(
        `${this.#at('proxycommand')}: ProxyCommand "-" and ProxyUseFdpass exclude each other; remove one`,
      );
    }
  }

  #updateHostKeys(): string {
    const value = this.#value('updatehostkeys');
    if (value === undefined) {
      const known = this.#setting('userknownhostsfile');
      const usual = known === undefined || (known.values.length === 1 && known.values[0] === '~/.ssh/known_hosts');
      return usual && (this.#value('verifyhostkeydns') ?? 'false') === 'false' ? 'true' : 'false';
    }
    if (value !== 'ask') return value;
    const shared = this.#value('controlpersist') === 'yes' && this.#command('controlpath') !== null;
    const quiet = ['SILENT', 'FATAL', 'ERROR'].includes(this.#value('loglevel') ?? 'INFO');
    const busy = this.#command('remotecommand') !== null || this.#value('requesttty') === 'false';
    return shared || quiet || busy ? 'false' : 'ask';
  }

  #forwards(): void {
    if (this.#cleared) return;
    const { settings } = this.#resolution;
    const local = settings.all('localforward');
    // A path as its target passes for SOCKS as well: a quirk of OpenSSH.
    for (const { values, at } of local) {
      const [listen = '', target] = values;
      if (target === undefined || !target.startsWith('[')) this.#line('dynamicforward', this.#end(listen, at), at);
    }
    for (const keyword of ['localforward', 'remoteforward'] as const) {
      for (const { values, at } of settings.all(keyword)) {
        if (values.length > 1) this.#line(keyword, values.map((end) => this.#end(end, at)).join(' '), at);
      }
    }
  }

  /** One end of a forward: in a path tokens are replaced. */
  #end(text: string, at: string): string {
    return text.includes('/') && !text.startsWith('[') ? expandTokens(text, { ...this.#tokens, env: null }, at) : text;
  }

  #files(): void {
    const { settings } = this.#resolution;
    const identities = settings.all('identityfile');
    for (const { values, at } of identities) this.#line('identityfile', values[0] ?? '', at);
    if (identities.length === 0) {
      for (const name of defaultIdentities) this.#line('identityfile', `~/.ssh/${name}`, null);
    }
    this.#oneLine('canonicaldomains', []);
    for (const { values, at } of settings.all('certificatefile')) this.#line('certificatefile', values[0] ?? '', at);
    const system = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];
    this.#oneLine('globalknownhostsfile', system);
    const user = ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'];
    this.#oneLine('userknownhostsfile', user, (text, at) => this.#path(text, at));
    for (const keyword of ['sendenv', 'setenv']) {
      for (const { values, at } of settings.all(keyword)) for (const value of values) this.#line(keyword, value, at);
    }
    this.#oneLine('logverbose', []);
    this.#oneLine('permitremoteopen', ['any']);
  }

  #rest(): void {
    const [keys = 'false', keysTime = '0'] = this.#setting('addkeystoagent')?.values ?? [];
    const timed = keysTime === '0' ? keys : `${keys === 'confirm' ? 'confirm ' : ''}${keysTime}`;
    this.#line('addkeystoagent', timed, this.#at('addkeystoagent'));
    const agentPath = this.#setting('forwardagentpath');
    if (agentPath === undefined) this.#withDefaults('forwardagent=no');
    else this.#line('forwardagent', this.#path(agentPath.values[0] ?? '', agentPath.at), agentPath.at);
    this.#withDefaults('connecttimeout=none tunneldevice=any:any');
    const cnames = this.#setting('canonicalizepermittedcnames')?.values ?? [];
    const rules = cnames.length === 1 && cnames[0]?.toLowerCase() === 'none:' ? [] : cnames;
    this.#line('canonicalizePermittedcnames', rules.join(' ') || 'none', this.#at('canonicalizepermittedcnames'));
    const [persist = 'no', persistTime = '0'] = this.#setting('controlpersist')?.values ?? [];
    this.#line('controlpersist', persistTime === '0' ? persist : persistTime, this.#at('controlpersist'));
    this.#withDefaults('escapechar=~');
    this.#line('ipqos', (this.#setting('ipqos')?.values ?? ['lowdelay', 'throughput']).join(' '), this.#at('ipqos'));
    const limit = this.#value('rekeylimit') ?? '0';
    const interval = this.#value('rekeyinterval') ?? '0';
    this.#line('rekeylimit', `${limit} ${interval}`, this.#at('rekeylimit'));
    this.#withDefaults('streamlocalbindmask=0177 syslogfacility=USER');
  }

  #proxy(jumps: readonly Jump[]): void {
    const last = jumps.at(-1);
    if (last === undefined) return this.#text('proxycommand');
    const before = jumps.slice(0, -1).map((jump) => jump.text);
    const numeric = last.host.includes(':') || /^[\d.]*$/.test(last.host);
    const host = numeric ? `[${last.host}]` : last.host;
    const hop = `${last.user === null ? '' : `${last.user}@`}${host}${last.port === null ? '' : `:${last.port}`}`;
    this.#line('proxyjump', [...before, hop].join(','), this.#at('proxyjump'));
  }

  #withDefaults(list: string): void {
    for (const entry of list.split(/\s+/)) {
      const [keyword = '', otherwise = ''] = entry.split('=');
      this.#line(keyword, this.#value(keyword) ?? otherwise, this.#at(keyword));
    }
  }

  #texts(list: string): void {
    for (const keyword of list.split(' ')) {
      const setting = this.#setting(keyword);
      if (setting !== undefined) this.#line(keyword, setting.values[0] ?? '', setting.at);
    }
  }

  /** A text that "none" takes away. */
  #text(keyword: string, change: (text: string, at: string) => string = (text) => text): void {
    const text =
      keyword === 'hostkeyalias' || keyword === 'identityagent' ? this.#value(keyword) : this.#command(keyword);
    const at = this.#at(keyword);
    if (text !== undefined && text !== null) this.#line(keyword, change(text, at ?? ''), at);
  }

  #algorithms(keyword: string, family: AlgorithmFamily): void {
    const at = this.#at(keyword);
    const names = assembleAlgorithms(this.#value(keyword) ?? null, family);
    if (names === null) throw configFault(`${at}: ${keyword} leaves no algorithm; correct it`);
    this.#line(keyword, names.join(','), at);
  }

  #oneLine(
    keyword: string,
    otherwise: readonly string[],
    change: (text: string, at: string) => string = (text) => text,
  ): void {
    const setting = this.#setting(keyword);
    const values = setting?.values ?? otherwise;
    const left = values[0]?.toLowerCase() === 'none' && keyword.endsWith('knownhostsfile') ? [] : values;
    const shown = left.map((value) => change(value, setting?.at ?? 'default'));
    this.#line(keyword, shown.join(' ') || 'none', setting?.at ?? null);
  }

  #path(text: string, at: string): string {
    return expandTokens(expandTilde(text, this.#resolution.options.home, at), this.#tokens, at);
  }

  #command(keyword: string): string | null {
    const text = this.#value(keyword);
    return text === undefined || text.toLowerCase() === 'none' ? null : text;
  }

  #setting(keyword: string): Setting | undefined {
    return this.#resolution.settings.first(keyword);
  }

  #value(keyword: string): string | undefined {
    return this.#setting(keyword)?.values[0];
  }

  #at(keyword: string): string | null {
    return this.#setting(keyword)?.at || null;
  }

  #line(keyword: string, text: string, at: string | null): void {
    this.lines.push({ keyword, text, at });
  }
}
