import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const { username } = userInfo();

/** `dir` in a config stands for the test's own folder. */
export interface Case {
  readonly config: string;
  readonly host?: string;
  /** Other files, by name in the folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of the config; 0600 unless given. */
  readonly mode?: number;
}

/** Configs that ssh takes, whose meaning for a relay is compared. */
export const cases: Readonly<Record<string, Case>> = {
  'nothing at all': { config: '' },
  'comments, blanks and CRLF': { config: '# a\r\n\r\n   # b\r\nHost h\r\n\tUser x\r\n' },
  'no final newline': { config: 'Host h\n User x' },
  'the first value wins': { config: 'Host h\n Port 1\n Port 2\nHost *\n Port 3\n User u\n' },
  'a later block fills gaps': { config: 'Host h\n Port 1\nHost z\n User no\nHost h\n User yes\n' },
  'settings before any Host': { config: 'User x\nPort 9\nHost h\n Port 10\n' },
  'star in the middle': { config: 'Host a*z\n User x\n', host: 'abcz' },
  'question mark is exactly one': { config: 'Host h?\n User x\nHost h\n User y\n' },
  'negation beats a match': { config: 'Host * !h\n User x\nHost h\n User y\n' },
  'negation first': { config: 'Host !h *\n User x\n' },
  'only a negation matches nothing': { config: 'Host !z\n User x\n' },
  'several patterns': { config: 'Host a b h\n User x\n' },
  'a comma is no separator': { config: 'Host a,h\n User x\n' },
  'Host minds the case': { config: 'Host H\n User x\n' },
  'the name becomes lower case': { config: 'Host BIG\n User x\n', host: 'BIG' },
  'keywords in any case': { config: 'hOST h\n uSER x\n PORT 7\n' },
  'equals sign': { config: 'Host=h\n User=x\n Port = 7\n' },
  'tabs around an equals sign': { config: 'Host h\n User\t=\tx\n' },
  'quoted keyword': { config: '"User" x\n' },
  'double quotes': { config: 'Host "h"\n User "x"\n IdentityFile "/a b/c"\n' },
  'single quotes': { config: "User 'x'y\nIdentityFile '/a b'\n" },
  'escaped blank': { config: 'IdentityFile /a\\ b\n' },
  'other backslashes stay': { config: 'IdentityFile /a\\b\n' },
  'trailing comment': { config: 'Host h # not z\n User x # y\n' },
  'a hash inside a word': { config: 'User x#y\n' },
  'HostName with %h': { config: 'Host h\n HostName %h.example.com\n' },
  'HostName in capitals': { config: 'HostName EXAMPLE.org\n' },
  'HostName is no pattern subject': { config: 'Host h\n HostName real\nHost real\n User x\n' },
  'an address': { config: 'Host *\n User x\n', host: '::1' },
  'user beside the host': { config: 'User x\n', host: 'q@h' },
  'user with an at': { config: '', host: 'q@realm@h' },
  'ssh URI': { config: 'Port 3\nUser x\n', host: 'ssh://q@h:44' },
  'ssh URI with a slash': { config: 'Port 3\n', host: 'ssh://h/' },
  'identity files add up': { config: 'Host h\n IdentityFile /a\nHost *\n IdentityFile /b\n IdentityFile /a\n' },
  'identity file none': { config: 'IdentityFile none\n' },
  'identity file none and one': { config: 'IdentityFile none\nIdentityFile /a\n' },
  'identity file of the old name': { config: 'IdentityFile2 /a\n' },
  'identity file in the home folder': { config: 'IdentityFile ~/.ssh/k\n' },
  'identity file tokens': { config: 'User x\nPort 5\nHostName r\nIdentityFile %d/%h-%r-%u-%n-%p-%%-%i-%L\n' },
  'identity file from the environment': { config: 'IdentityFile $' + '{ORACLE}/k\n' },
  'identities only': { config: 'IdentitiesOnly YES\n' },
  'identities only, by another word': { config: 'IdentitiesOnly true\nIdentitiesOnly no\n' },
  'several known hosts files': { config: 'UserKnownHostsFile /a "/b c" ~/.ssh/d\nUserKnownHostsFile /e\n' },
  'no known hosts file': { config: 'UserKnownHostsFile none\n' },
  'global known hosts files': { config: 'GlobalKnownHostsFile /a /b\n' },
  'host key alias': { config: 'HostKeyAlias ALIAS\n' },
  'one jump': { config: 'ProxyJump a\n' },
  'a chain of jumps': { config: 'ProxyJump u@a:2222,[::1]:23,ssh://b\n' },
  'jump none': { config: 'Host h\n ProxyJump none\nHost *\n ProxyJump a\n' },
  'jump with a comment': { config: 'ProxyJump a # b\n' },
  'command none keeps jumps out': { config: 'ProxyCommand none\nProxyJump a\n' },
  'jump before a command': { config: 'ProxyJump a\nProxyCommand nc %h %p\n' },
  'jump to another port of the same host': { config: 'ProxyJump h:23\n' },
  'server alive': { config: 'ServerAliveInterval 30\nServerAliveCountMax 7\n' },
  'server alive in units': { config: 'ServerAliveInterval 1m30s\n' },
  'server alive off': { config: 'ServerAliveInterval 0\n' },
  'server alive none': { config: 'ServerAliveInterval none\nServerAliveCountMax 2\n' },
  'match all': { config: 'Host z\n User no\nMatch all\n User x\n' },
  'match not all': { config: 'Match !all\n User x\n' },
  'match host, in any case': { config: 'Match host H,z\n User x\n' },
  'match host after HostName': { config: 'HostName real\nMatch host real\n User x\nMatch host h\n User y\n' },
  'match originalhost': { config: 'HostName real\nMatch originalhost h\n User x\n' },
  'match host with negation': { config: 'Match host *,!h\n User x\n' },
  'match user': { config: 'User x\nMatch user x\n Port 4\n' },
  'match user beside the host': { config: 'User x\nMatch user q\n Port 4\n', host: 'q@h' },
  'match localuser': { config: `Match localuser ${username} host h\n User x\n` },
  'match not user': { config: 'Match host h !user nobody\n User x\n' },
  'match with an equals sign and quotes': { config: 'Match host="h" user=*\n User x\n' },
  'match with a comment': { config: 'Match host h # user z\n User x\n' },
  'match final': { config: 'HostName real\nMatch final host real\n User x\nHost real\n Port 5\n' },
  'match canonical never holds': { config: 'Match canonical\n User x\n' },
  'match host, then all': { config: 'Match host h all\n User x\n' },
  'include a file': { config: 'Include dir/a\nUser late\n', files: { a: 'User x\n' } },
  'include by a pattern, sorted': {
    config: 'Include dir/[ab]*.c?nf\n',
    files: { 'b.conf': 'User b\nPort 2\n', 'a.conf': 'User a\n', 'c.conf': 'User c\n', '.a.conf': 'User d\n' },
  },
  'include two': { config: 'Include dir/b dir/a\n', files: { a: 'User a\n', b: 'User b\n' } },
  'include nothing': { config: 'Include dir/none*\nUser x\n' },
  'include within a block': { config: 'Host z\n Include dir/a\nHost h\n Port 6\n', files: { a: 'User x\n' } },
  'a Host within an excluded include': { config: 'Host z\nInclude dir/a\n', files: { a: 'Host h\n User x\n' } },
  'a Match within an excluded include': { config: 'Host z\nInclude dir/a\n', files: { a: 'Match all\n User x\n' } },
  'a Host ends with its file': { config: 'Include dir/a\nPort 8\n', files: { a: 'Host z\n User x\n' } },
  'nested includes': { config: 'Include dir/a\n', files: { a: 'Include dir/b\n', b: 'Host h\n User x\n' } },
  'unknown keywords that are ignored': { config: 'IgnoreUnknown foo*,BAR\nFoobar 1\nbar 2\nUser x\n' },
  'keywords that do not concern us': { config: 'ControlMaster auto\nLocalForward 1 h:2\nSendEnv A B\nUser x\n' },
};

/** Writes a case's files into a folder of its own; the path of its config. */
export function writeCase(dir: string, name: string, { config, files = {}, mode = 0o600 }: Case): string {
  const folder = join(dir, name.replace(/\W/g, '_'));
  mkdirSync(folder, { mode: 0o700 });
  const write = (file: string, text: string) =>
    writeFileSync(join(folder, file), text.replaceAll(' dir/', ` ${folder}/`), { mode: 0o600 });
  write('config', config);
  for (const [file, text] of Object.entries(files)) write(file, text);
  chmodSync(join(folder, 'config'), mode);
  return join(folder, 'config');
}
