import { spawn } from 'node:child_process';
import { Fault } from '../../../../src/core/model/fault.ts';
import { freePermit, openLink } from '../../../../src/core/ssh/open-link.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { hostConfig } from '../../../fixtures/host-config.ts';
import type { Sshd } from '../../../fixtures/sshd.ts';

/** What decides about a host key, for ssh and for us alike. */
export interface Checked {
  readonly host?: string;
  readonly files: readonly string[];
  readonly checking: 'yes' | 'accept-new';
  readonly alias?: string | null;
  readonly hash?: boolean;
  readonly revoked?: string | null;
}

/** What became of a login: `in`, or why not. */
export type Outcome = 'in' | 'unknown' | 'changed' | 'revoked' | string;

/** Logs in with the real ssh. */
export function askSsh({ port, keyFile, user }: Sshd, checked: Checked): Promise<Outcome> {
  const { host = '127.0.0.1', files, checking, alias = null, hash = false, revoked = null } = checked;
  const options = {
    UserKnownHostsFile: files.map((file) => `"${file}"`).join(' '),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: checking,
    HashKnownHosts: hash ? 'yes' : 'no',
    UpdateHostKeys: 'no',
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    ...(alias === null ? {} : { HostKeyAlias: alias }),
    ...(revoked === null ? {} : { RevokedHostKeys: revoked }),
  };
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  // No command is run: the login itself is the answer, and a login shell's own start would only be waited for.
  const all = ['-v', '-N', '-F', 'none', ...words, '-i', keyFile, '-p', String(port), `${user}@${host}`];
  const ssh = spawn('ssh', all, { stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve) => {
    let said = '';
    ssh.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Authenticated to')) ssh.kill();
    });
    ssh.on('close', () => {
      if (said.includes('Authenticated to')) resolve('in');
      else if (/REVOKED HOST KEY|revoked by file|Error checking host key/.test(said)) resolve('revoked');
      else if (said.includes('IDENTIFICATION HAS CHANGED')) resolve('changed');
      else if (/No \S+ host key is known|Host key verification failed/.test(said)) resolve('unknown');
      else resolve(said);
    });
  });
}

const words: Readonly<Record<string, Outcome>> = {
  HOST_KEY_UNKNOWN: 'unknown',
  // ssh knows no such thing: a key that no certificate vouches for is one that it does not know.
  HOST_KEY_UNVERIFIABLE: 'unknown',
  HOST_KEY_CHANGED: 'changed',
  HOST_KEY_REVOKED: 'revoked',
};

/** The host as ssh_config would resolve it for that. */
export function checkedHost({ port, keyFile, user }: Sshd, checked: Checked): HostConfig {
  const { host = '127.0.0.1', files, checking, alias = null, hash = false, revoked = null } = checked;
  return hostConfig({
    alias: host,
    hostName: host,
    port,
    user,
    identityFiles: [keyFile],
    identitiesOnly: true,
    knownHostsFiles: files,
    knownHostsTo: files[0] ?? null,
    hashKnownHosts: hash,
    hostKeyChecking: checking,
    hostKeyAlias: alias,
    revokedHostKeys: revoked,
  });
}

/** What became of our login; `notes` is what the user was told. */
export interface Asked {
  readonly outcome: Outcome;
  readonly notes: readonly string[];
  readonly fault: Fault | null;
}

/** Logs in as a relay would. */
export function askTowline(sshd: Sshd, checked: Checked): Promise<Asked> {
  return goRoute([checkedHost(sshd, checked)]);
}

/** Logs in over a whole route. */
export async function goRoute(route: readonly HostConfig[]): Promise<Asked> {
  const notes: string[] = [];
  try {
    const link = await openLink({
      route,
      keepalive: { interval: 60_000, count: 3 },
      deadlines: { tcp: 5_000, greeting: 5_000, keyExchange: 10_000, auth: 20_000, open: 5_000 },
      quicken: false,
      permit: async () => freePermit,
      ask: () => Promise.reject(new Fault('NEEDS_ANSWER', 'nobody is there to answer; ask later')),
      env: {},
      onStage: () => undefined,
      onNote: (text) => notes.push(text),
      signal: new AbortController().signal,
    });
    link.close();
    return { outcome: 'in', notes, fault: null };
  } catch (error) {
    const fault = Fault.from(error);
    return { outcome: words[fault.code] ?? `${fault.code}: ${fault.message}`, notes, fault };
  }
}

/** Does all of it, four at a time: the machine has few cores, and sshd takes ten at once. */
export async function eachOf<T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...list];
  const next = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all([next(), next(), next(), next()]);
}
