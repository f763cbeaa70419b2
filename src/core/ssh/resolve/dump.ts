import { authorities, ciphers, keys, kexes, macs } from './algorithm-names.ts';
import { defaultIdentities } from './default-identities.ts';
import { type DumpLine, DumpSheet } from './dump-sheet.ts';
import { type Jump, parseJumps } from './jump.ts';
import { lowerCase } from './pattern.ts';
import type { Resolution } from './resolution.ts';
import { refuseAsSsh } from './ssh-refusals.ts';
import { expandTokens } from './tokens.ts';

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
  const sheet = new DumpSheet(resolution);
  new Dump(sheet).write();
  return sheet.lines;
}

class Dump {
  readonly #sheet: DumpSheet;

  constructor(sheet: DumpSheet) {
    this.#sheet = sheet;
  }

  write(): void {
    const { query, user, hostName, port } = this.#sheet.resolution;
    const jumps = this.#jumps();
    refuseAsSsh(this.#sheet, jumps);
    this.#sheet.line('host', query.host, null);
    this.#sheet.line('user', user, this.#sheet.at('user'));
    this.#sheet.line('hostname', hostName, this.#sheet.at('hostname'));
    this.#sheet.line('port', String(port), this.#sheet.at('port'));
    this.#sheet.withDefaults('addressfamily=any');
    this.#sheet.withDefaults(flags);
    this.#sheet.texts('gssapiclientidentity gssapiserveridentity');
    this.#sheet.withDefaults(`gssapikexalgorithms=${gssKex}`);
    this.#sheet.withDefaults(moreFlags);
    // Without forwards there is no tunnel either.
    if (this.#cleared) this.#sheet.line('tunnel', 'false', this.#sheet.at('clearallforwardings'));
    else this.#sheet.withDefaults('tunnel=false');
    this.#sheet.withDefaults('verifyhostkeydns=false visualhostkey=no');
    this.#sheet.line('updatehostkeys', this.#updateHostKeys(), this.#sheet.at('updatehostkeys'));
    this.#sheet.withDefaults('enableescapecommandline=no');
    this.#sheet.withDefaults(numbers);
    this.#sheet.withDefaults(
      `serveraliveinterval=${this.#sheet.value('batchmode') === 'yes' ? 300 : 0} requiredrsasize=1024`,
    );
    this.#sheet.texts('bindaddress bindinterface');
    this.#sheet.algorithms('ciphers', ciphers);
    this.#sheet.text('controlpath', (text, at) => this.#sheet.path(text, at));
    this.#sheet.algorithms('hostkeyalgorithms', keys);
    this.#sheet.text('hostkeyalias', lowerCase);
    this.#sheet.algorithms('hostbasedacceptedalgorithms', keys);
    this.#sheet.text('identityagent', (text, at) => this.#sheet.path(text, at));
    this.#sheet.texts('ignoreunknown kbdinteractivedevices');
    this.#sheet.algorithms('kexalgorithms', kexes);
    this.#sheet.algorithms('casignaturealgorithms', authorities);
    this.#sheet.text('localcommand');
    this.#sheet.text('remotecommand', (text, at) => expandTokens(text, { ...this.#sheet.tokens, env: null }, at));
    this.#sheet.withDefaults('loglevel=INFO');
    this.#sheet.algorithms('macs', macs);
    this.#sheet.text('pkcs11provider');
    if (this.#sheet.setting('securitykeyprovider') === undefined)
      this.#sheet.line('securitykeyprovider', 'internal', null);
    else this.#sheet.text('securitykeyprovider');
    this.#sheet.texts('preferredauthentications');
    this.#sheet.algorithms('pubkeyacceptedalgorithms', keys);
    this.#sheet.text('revokedhostkeys');
    this.#sheet.withDefaults('xauthlocation=/usr/bin/xauth');
    this.#sheet.text('knownhostscommand');
    this.#forwards();
    this.#files();
    this.#rest();
    this.#proxy(jumps);
  }

  get #cleared(): boolean {
    return this.#sheet.value('clearallforwardings') === 'yes';
  }

  #jumps(): readonly Jump[] {
    const setting = this.#sheet.setting('proxyjump');
    return setting === undefined ? [] : parseJumps(setting.values[0] ?? '', { at: setting.at, keyword: 'proxyjump' });
  }

  #updateHostKeys(): string {
    const value = this.#sheet.value('updatehostkeys');
    if (value === undefined) {
      const known = this.#sheet.setting('userknownhostsfile');
      const usual = known === undefined || (known.values.length === 1 && known.values[0] === '~/.ssh/known_hosts');
      return usual && (this.#sheet.value('verifyhostkeydns') ?? 'false') === 'false' ? 'true' : 'false';
    }
    if (value !== 'ask') return value;
    const shared = this.#sheet.value('controlpersist') === 'yes' && this.#sheet.command('controlpath') !== null;
    const quiet = ['SILENT', 'FATAL', 'ERROR'].includes(this.#sheet.value('loglevel') ?? 'INFO');
    const busy = this.#sheet.command('remotecommand') !== null || this.#sheet.value('requesttty') === 'false';
    return shared || quiet || busy ? 'false' : 'ask';
  }

  #forwards(): void {
    if (this.#cleared) return;
    const { settings } = this.#sheet.resolution;
    const local = settings.all('localforward');
    // A path as its target passes for SOCKS as well: a quirk of OpenSSH.
    for (const { values, at } of local) {
      const [listen = '', target] = values;
      if (target === undefined || !target.startsWith('['))
        this.#sheet.line('dynamicforward', this.#end(listen, at), at);
    }
    for (const keyword of ['localforward', 'remoteforward'] as const) {
      for (const { values, at } of settings.all(keyword)) {
        if (values.length > 1) this.#sheet.line(keyword, values.map((end) => this.#end(end, at)).join(' '), at);
      }
    }
  }

  /** One end of a forward: in a path tokens are replaced. */
  #end(text: string, at: string): string {
    return text.includes('/') && !text.startsWith('[')
      ? expandTokens(text, { ...this.#sheet.tokens, env: null }, at)
      : text;
  }

  #files(): void {
    const { settings } = this.#sheet.resolution;
    const identities = settings.all('identityfile');
    for (const { values, at } of identities) this.#sheet.line('identityfile', values[0] ?? '', at);
    if (identities.length === 0) {
      for (const name of defaultIdentities) this.#sheet.line('identityfile', `~/.ssh/${name}`, null);
    }
    this.#sheet.oneLine('canonicaldomains', []);
    for (const { values, at } of settings.all('certificatefile'))
      this.#sheet.line('certificatefile', values[0] ?? '', at);
    const system = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];
    this.#sheet.oneLine('globalknownhostsfile', system);
    const user = ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'];
    this.#sheet.oneLine('userknownhostsfile', user, (text, at) => this.#sheet.path(text, at));
    for (const keyword of ['sendenv', 'setenv']) {
      for (const { values, at } of settings.all(keyword))
        for (const value of values) this.#sheet.line(keyword, value, at);
    }
    this.#sheet.oneLine('logverbose', []);
    this.#sheet.oneLine('permitremoteopen', ['any']);
  }

  #rest(): void {
    const [keys = 'false', keysTime = '0'] = this.#sheet.setting('addkeystoagent')?.values ?? [];
    const timed = keysTime === '0' ? keys : `${keys === 'confirm' ? 'confirm ' : ''}${keysTime}`;
    this.#sheet.line('addkeystoagent', timed, this.#sheet.at('addkeystoagent'));
    const agentPath = this.#sheet.setting('forwardagentpath');
    if (agentPath === undefined) this.#sheet.withDefaults('forwardagent=no');
    else this.#sheet.line('forwardagent', this.#sheet.path(agentPath.values[0] ?? '', agentPath.at), agentPath.at);
    this.#sheet.withDefaults('connecttimeout=none tunneldevice=any:any');
    const cnames = this.#sheet.setting('canonicalizepermittedcnames')?.values ?? [];
    const rules = cnames.length === 1 && cnames[0]?.toLowerCase() === 'none:' ? [] : cnames;
    this.#sheet.line(
      'canonicalizePermittedcnames',
      rules.join(' ') || 'none',
      this.#sheet.at('canonicalizepermittedcnames'),
    );
    const [persist = 'no', persistTime = '0'] = this.#sheet.setting('controlpersist')?.values ?? [];
    this.#sheet.line('controlpersist', persistTime === '0' ? persist : persistTime, this.#sheet.at('controlpersist'));
    this.#sheet.withDefaults('escapechar=~');
    this.#sheet.line(
      'ipqos',
      (this.#sheet.setting('ipqos')?.values ?? ['lowdelay', 'throughput']).join(' '),
      this.#sheet.at('ipqos'),
    );
    const limit = this.#sheet.value('rekeylimit') ?? '0';
    const interval = this.#sheet.value('rekeyinterval') ?? '0';
    this.#sheet.line('rekeylimit', `${limit} ${interval}`, this.#sheet.at('rekeylimit'));
    this.#sheet.withDefaults('streamlocalbindmask=0177 syslogfacility=USER');
  }

  #proxy(jumps: readonly Jump[]): void {
    const last = jumps.at(-1);
    if (last === undefined) return this.#sheet.text('proxycommand');
    const before = jumps.slice(0, -1).map((jump) => jump.text);
    const numeric = last.host.includes(':') || /^[\d.]*$/.test(last.host);
    const host = numeric ? `[${last.host}]` : last.host;
    const hop = `${last.user === null ? '' : `${last.user}@`}${host}${last.port === null ? '' : `:${last.port}`}`;
    this.#sheet.line('proxyjump', [...before, hop].join(','), this.#sheet.at('proxyjump'));
  }
}
