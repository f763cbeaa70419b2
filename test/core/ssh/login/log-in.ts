import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'ssh2';
import { Fault } from '../../../../src/core/model/fault.ts';
import type { Ask, Question } from '../../../../src/core/model/question.ts';
import { loadIdentities, type LoadedIdentities } from '../../../../src/core/ssh/identity/identity.ts';
import { overhearJudgement } from '../../../../src/core/ssh/internals.ts';
import { createAuth } from '../../../../src/core/ssh/login/auth.ts';
import { takeTurns } from '../../../../src/core/ssh/login/key-door.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { resolveHost } from '../../../fixtures/resolve-host.ts';
import { hop, hostConfig } from '../../../fixtures/host-config.ts';
import type { Sshd } from '../../../fixtures/sshd.ts';

const { signal } = new AbortController();

/** Whoever is asked is not there. */
export const nobody: Ask = () => Promise.reject(new Fault('NEEDS_ANSWER', 'nobody is there to answer; ask later'));

/** Answers one after the other, and keeps what was asked. */
export function answers(...given: readonly string[]): { readonly ask: Ask; readonly asked: readonly Question[] } {
  const asked: Question[] = [];
  const left = [...given];
  const ask: Ask = (question, until) => {
    asked.push(question);
    const answer = left.shift();
    return answer === undefined ? nobody(question, until) : Promise.resolve([answer]);
  };
  return { ask, asked };
}

/** What ssh_config would give for this sshd with these lines, and settings over it. */
export async function hostOf(
  sshd: Sshd,
  lines: readonly string[],
  agent: string | null,
  over: Partial<HostConfig> = {},
): Promise<HostConfig> {
  const file = join(sshd.dir, 'client');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const env = agent === null ? {} : { SSH_AUTH_SOCK: agent };
  const host = await resolveHost('127.0.0.1', { sshConfig: file, home: sshd.dir, localUser: sshd.user, env });
  return { ...host, ...over };
}

/** The identities of such a host. */
export async function identitiesOf(
  sshd: Sshd,
  lines: readonly string[],
  agent: string | null,
  over: Partial<HostConfig> = {},
): Promise<LoadedIdentities> {
  return loadIdentities(await hostOf(sshd, lines, agent, over), signal);
}

/** Logs in for real; what came of it. */
export async function logIn(
  sshd: Sshd,
  { identities }: Pick<LoadedIdentities, 'identities'>,
  { ask = nobody, host = {} }: { readonly ask?: Ask; readonly host?: Partial<HostConfig> } = {},
) {
  const over = new AbortController();
  const settings = hostConfig({ user: sshd.user, ...host });
  const client = new Client();
  const auth = createAuth(
    hop({ identities, host: settings }),
    { ask, spare: Number.POSITIVE_INFINITY, decrypting: (_path, work) => work, fail: () => client.end() },
    over.signal,
  );
  const errors: string[] = [];
  client.on('error', (error) => errors.push(`${error.level}: ${error.message}`));
  const ended = new Promise<boolean>((resolve) => {
    client.on('ready', () => resolve(true));
    client.on('close', () => resolve(false));
  });
  client.connect({
    host: '127.0.0.1',
    port: sshd.port,
    username: sshd.user,
    hostVerifier: () => true,
    authHandler: auth.handler,
  });
  takeTurns(client, over.signal);
  overhearJudgement(client, auth.judged);
  const entered = await ended;
  over.abort(new Fault('LINK_LOST', 'the login is over; nothing to do'));
  client.end();
  return {
    entered,
    errors,
    offered: auth.offered,
    rejected: auth.rejected(),
    skipped: auth.skipped,
    methods: auth.methods(),
    partial: auth.partial(),
    ended: auth.ended(),
    unsigned: auth.unsigned(),
  };
}
