import { execFile } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import { promisify } from 'node:util';
import { test } from 'tap';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { resolveHost } from '../../../fixtures/resolve-host.ts';
import { cases, writeCase } from './oracle-cases.ts';
import { makeTemp } from '../../../fixtures/temp.ts';

const run = promisify(execFile);
const { username, homedir } = userInfo();
const env = { ...process.env, SSH_AUTH_SOCK: '/run/agent.sock', ORACLE: '/from/env' };

test('a host means what `ssh -G` says', async (t) => {
  const dir = makeTemp(t, 'oracle');
  for (const [name, one] of Object.entries(cases)) {
    const { host = 'h' } = one;
    const sshConfig = writeCase(dir, name, one);
    const options = { sshConfig, home: homedir, localUser: username, env };
    const [ours, theirs] = await Promise.all([resolveHost(host, options), askSsh(sshConfig, host)]);
    t.strictSame(shape(ours), theirs, name);
  }
  t.ok(Object.keys(cases).length >= 40, 'the corpus is not empty');
});

/** What is compared, in one form for both. */
interface Shape {
  readonly hostname: string;
  readonly user: string;
  readonly port: string;
  readonly identityfile: readonly string[];
  readonly identitiesonly: boolean;
  readonly knownhosts: readonly string[];
  readonly hostkeyalias: string;
  readonly proxyjump: string;
  readonly serveralive: string;
}

function shape(host: HostConfig): Shape {
  return {
    hostname: host.hostName,
    user: host.user,
    port: String(host.port),
    identityfile: host.identityFiles,
    identitiesonly: host.identitiesOnly,
    knownhosts: host.knownHostsFiles,
    hostkeyalias: host.hostKeyAlias ?? '',
    // -G prints the last one, and only that, without its scheme.
    proxyjump: host.proxyJump.join(',').replace(/(^|,)ssh:\/\/([^,]*)$/, '$1$2'),
    serveralive: host.keepalive === null ? 'off' : `${host.keepalive.interval / 1000} x ${host.keepalive.count}`,
  };
}

async function askSsh(config: string, host: string): Promise<Shape> {
  const { stdout } = await run('ssh', ['-G', '-F', config, host], { env });
  const lines = stdout
    .split('\n')
    .map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)] as const);
  const all = (keyword: string) => lines.filter(([name]) => name === keyword).map(([, value]) => value);
  const one = (keyword: string) => all(keyword)[0] ?? '';
  // -G prints identity files as they were written.
  const tokens: Readonly<Record<string, string>> = {
    '%%': '%',
    '%d': homedir,
    '%h': one('hostname'),
    '%i': String(userInfo().uid),
    '%L': hostname().replace(/\..*/, ''),
    '%n': host.replace(/^.*@/, ''),
    '%p': one('port'),
    '%r': one('user'),
    '%u': username,
  };
  const expand = (path: string) => {
    const text = path.replace(/^~(?=\/)/, homedir).replace(/%./g, (token) => tokens[token] ?? token);
    return text.replace(/\$\{(\w+)\}/g, (_, name: string) => process.env[name] ?? env.ORACLE);
  };
  // Each stands in one line, parted by blanks: a path with a blank is the one that is written so in the corpus.
  const files = (keyword: string) =>
    one(keyword)
      .replace('/b c', '/b\0c')
      .split(' ')
      .map((path) => path.replace('\0', ' '));
  const interval = Number(one('serveraliveinterval'));
  return {
    hostname: one('hostname'),
    user: one('user'),
    port: one('port'),
    identityfile: all('identityfile')
      .filter((path) => path !== 'none')
      .map(expand),
    identitiesonly: one('identitiesonly') === 'yes',
    knownhosts: [...files('userknownhostsfile'), ...files('globalknownhostsfile')].filter((path) => path !== 'none'),
    hostkeyalias: one('hostkeyalias'),
    proxyjump: one('proxyjump'),
    serveralive: interval === 0 ? 'off' : `${interval} x ${one('serveralivecountmax')}`,
  };
}
