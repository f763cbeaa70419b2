import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';
import { startOnTerminal } from '../fixtures/pty.ts';
import { makeTemp } from '../fixtures/temp.ts';

const config = `Host devbox
  HostName 10.0.0.5
  User ann
  ProxyJump bastion
  LocalForward 8080 localhost:80
  BindInterface eth0
Host bastion
  HostName bastion.example
  Port 2222
Host *
  IdentityFile ~/.ssh/id_work
  StrictHostKeyChecking no
`;

test('explain says what is set, where, and what a relay leaves out', async (t) => {
  const file = join(homeOf(t), '.ssh/config');
  writeFileSync(file, config, { mode: 0o600 });
  const { code, stdout, stderr } = await runTowline(t, ['explain', 'devbox']);
  t.equal(stderr, '');
  t.equal(code, 0);
  t.match(stdout, /^devbox is ann@10\.0\.0\.5:22, reached through bastion \(\w+@bastion\.example:2222\)\n/);
  t.match(stdout, /\n {2}user +ann +~\/\.ssh\/config:3\n/);
  t.match(stdout, /\n {2}port +22 +default\n/);
  t.match(stdout, /\n {2}identityfile +~\/\.ssh\/id_work +~\/\.ssh\/config:11\n/);
  t.match(stdout, /\n {2}keepalive +5 s x 3, dead after 20 s +towline's own/);
  t.match(stdout, /\n {2}localforward +8080 \[localhost\]:80 +~\/\.ssh\/config:5 +a relay has its own forwards\n/);
  t.match(stdout, /\n {2}! bindinterface +eth0 +~\/\.ssh\/config:6 +an interface cannot be bound/);
  t.match(stdout, /\n {2}! ~\/\.ssh\/config:12: StrictHostKeyChecking no counts as accept-new/);
  t.match(stdout, /\n {2}userknownhostsfile +~\/\.ssh\/known_hosts ~\/\.ssh\/known_hosts2 +default\n/);
  t.notMatch(stdout, /gatewayports|addressfamily/i, 'defaults are not listed');
});

test('explain names what runs or is given away by ssh and not by a relay, with its place', async (t) => {
  const file = join(makeTemp(t), 'c');
  const lines = ['ForwardAgent yes', 'PermitLocalCommand yes', 'LocalCommand id', 'KnownHostsCommand /bin/id'];
  writeFileSync(file, `Host h\n${[...lines, 'NoHostAuthenticationForLocalhost yes'].join('\n')}\n`, { mode: 0o600 });
  const { stdout } = await runTowline(t, ['explain', '-F', file, 'h']);
  t.match(stdout, /\n {2}forwardagent +yes +\S+\/c:2 +a relay never forwards the agent\n/);
  t.match(stdout, /\n {2}permitlocalcommand +yes +\S+\/c:3 +no local command is run for a relay\n/);
  t.match(stdout, /\n {2}localcommand +id +\S+\/c:4 +no local command is run for a relay\n/);
  t.match(stdout, /\n {2}! knownhostscommand +\/bin\/id +\S+\/c:5 +no command is asked for host keys/);
  t.match(stdout, /\n {2}nohostauthenticationforlocalhost +yes +\S+\/c:6 +host keys are always checked\n/);
});

test('what asks for nothing is left out by nobody', async (t) => {
  const file = join(makeTemp(t), 'c');
  const lines = ['ForwardAgent no', 'ControlMaster no', 'HostbasedAuthentication no', 'TCPKeepAlive no', 'Tunnel no'];
  writeFileSync(file, `Host h\n${lines.join('\n')}\n`, { mode: 0o600 });
  const { stdout } = await runTowline(t, ['explain', '-F', file, 'h']);
  const [used = '', left = ''] = stdout.split('Set there, and no part of a relay');
  t.match(used, /\n {2}forwardagent +no +\S+\/c:2\n/);
  t.match(left, /^\n {2}tcpkeepalive +no +\S+\/c:5 +towline asks the server itself \(keepalive\)\n$/);
});

test('the first line says where a ProxyCommand makes the connection', async (t) => {
  const file = join(makeTemp(t), 'c');
  const text = 'Host by gate\n  User u\n  ProxyCommand nc %h %p\nHost far\n  User v\n  ProxyJump gate\n';
  writeFileSync(file, text, { mode: 0o600 });
  const first = async (host: string) => (await runTowline(t, ['explain', '-F', file, host])).stdout.split('\n')[0];
  t.equal(await first('by'), 'by is u@by:22, reached by its ProxyCommand');
  t.equal(await first('far'), 'far is v@far:22, reached through gate (u@gate:22, reached by its ProxyCommand)');
});

test('at 80 columns explain breaks no word and no place', async (t) => {
  writeFileSync(join(homeOf(t), '.ssh/config'), config, { mode: 0o600 });
  const cli = startOnTerminal(t, ['explain', 'devbox'], 80);
  t.equal(await cli.ended, 0);
  const lines = stripVTControlCharacters(cli.shown()).split(/\r?\n/);
  for (const line of lines) t.ok(line.length <= 80, line);
  const whole = lines.map((line) => line.trim()).join(' ');
  t.match(whole, /localforward +8080 \[localhost\]:80 +~\/\.ssh\/config:5 /);
  t.match(whole, /an interface cannot be bound; use BindAddress/);
});

test('what HOST itself says is no default', async (t) => {
  const { stdout } = await runTowline(t, ['explain', 'bob@devbox:99']);
  t.match(stdout, /\n {2}user +bob +the command line\n/);
  t.match(stdout, /\n {2}port +99 +the command line\n/);
});

test('explain --json has the same for programs', async (t) => {
  const file = join(makeTemp(t), 'c');
  writeFileSync(file, config, { mode: 0o600 });
  const { stdout } = await runTowline(t, ['explain', '--json', '-F', file, 'devbox']);
  const found = JSON.parse(stdout);
  t.match(found, {
    host: 'devbox',
    target: 'ann@10.0.0.5:22',
    route: [{ host: 'bastion' }],
    keepalive: null,
    files: [file],
  });
  t.match(
    found.settings.find(({ keyword }: { keyword: string }) => keyword === 'user'),
    { value: 'ann', at: `${file}:3` },
  );
  t.match(found.ignored[0], { keyword: 'bindinterface', value: 'eth0', at: `${file}:6` });
  t.equal(found.warnings.length, 2);
});

test('explain --format ssh is what ssh -G prints', async (t) => {
  const file = join(makeTemp(t), 'c');
  writeFileSync(file, config, { mode: 0o600 });
  for (const words of [
    ['-F', file, '--format', 'ssh', 'devbox'],
    [`-F${file}`, '--format=ssh', 'other'],
  ]) {
    const { stdout } = await runTowline(t, ['explain', ...words], { env: { HOME: '/root' } });
    const theirs = execFileSync('ssh', ['-G', '-F', file, words.at(-1) ?? ''], { env: {}, encoding: 'utf8' });
    const known = /^userknownhostsfile .*$/m;
    t.equal(stdout.replace(known, ''), theirs.replace(known, ''));
  }
});

test('explain refuses what it cannot explain, in one sentence', async (t) => {
  const file = join(makeTemp(t), 'c');
  writeFileSync(file, 'Host h\n  Prot 22\n', { mode: 0o600 });
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 64, /name a host: `towline explain HOST`/],
    [['a', 'b'], 64, /"b" is one word too many/],
    [['h', '--format', 'toml'], 64, /--format toml is not known/],
    [['h', '--formt', 'ssh'], 64, /did you mean --format\?/],
    [['h', '-F', 'a', '-F', 'b'], 64, /-F was given 2 times/],
    [['h', '-F'], 64, /-F/],
    [['-F', file, 'h'], 78, new RegExp(`${file}:2: "prot" is no keyword of ssh, did you mean "port"\\? correct it`)],
    [['-F', file, 'h', '--format', 'ssh'], 78, /"prot" is no keyword of ssh/],
    [['-F', `${file}.no`, 'h'], 78, /does not exist/],
    [['a;b'], 78, /";"/],
    [['h:0'], 78, /port "0"/],
  ];
  for (const [words, code, sentence] of cases) {
    const result = await runTowline(t, ['explain', ...words]);
    t.equal(result.code, code, words.join(' '));
    t.match(result.stderr.trimEnd(), sentence);
    t.equal(result.stderr.trimEnd().split('\n').length, 1);
  }
});

test('a setting that only a session needs is no reason not to explain', async (t) => {
  const file = join(makeTemp(t), 'c');
  writeFileSync(file, 'ForkAfterAuthentication yes\nUser x\n', { mode: 0o600 });
  const { code, stdout } = await runTowline(t, ['explain', '-F', file, 'h']);
  t.equal(code, 0);
  t.match(stdout, /^h is x@h:22\n/);
  t.match(stdout, /ssh itself would not connect: .*:1: ForkAfterAuthentication needs a command/);
  t.equal((await runTowline(t, ['explain', '-F', file, '--format', 'ssh', 'h'])).code, 78);
});
