import ssh2, { type ParsedKey } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { type AgentKey, listAgentKeys } from './agent.ts';
import { fingerprint } from './fingerprint.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import { type IdentityFile, readIdentityFile } from './identity-file.ts';
import { keyType } from './key-blob.ts';

/** A key that may be offered to a server. */
export type Identity =
  | { readonly kind: 'file'; readonly path: string; readonly key: ParsedKey; readonly fingerprint: string }
  | {
      readonly kind: 'agent';
      /** The agent's socket. */
      readonly socket: string;
      readonly comment: string;
      readonly key: ParsedKey;
      readonly fingerprint: string;
    };

/** What may be offered, first one first, and a sentence for each key that may not. */
export interface LoadedIdentities {
  readonly identities: readonly Identity[];
  readonly notes: readonly string[];
}

/**
 * Finds a host's identities in ssh's order: keys of the agent that an IdentityFile names, its other keys (unless IdentitiesOnly),
 * then the files. Where none remains it throws NEEDS_ANSWER, AGENT_UNREACHABLE or IDENTITY_UNREADABLE, which say why.
 */
export async function loadIdentities(host: HostConfig, signal: AbortSignal): Promise<LoadedIdentities> {
  const [files, agent] = await Promise.all([
    Promise.all(host.identityFiles.map(readIdentityFile)),
    askAgent(host.agent, signal),
  ]);
  const notes = agent.fault === null ? [] : [agent.fault.message];
  const named: Identity[] = [];
  const others: Identity[] = [];
  for (const held of agent.keys) {
    const isNamed = files.some((file) => file.blob?.equals(held.blob));
    if (!isNamed && host.identitiesOnly) continue;
    const identity = parseAgentKey(agent.socket, held);
    if (typeof identity === 'string') notes.push(identity);
    else (isNamed ? named : others).push(identity);
  }
  const identities = [...named, ...others];
  const encrypted: string[] = [];
  for (const file of files) {
    if (identities.some(({ key }) => file.blob?.equals(key.getPublicSSH()))) continue;
    if (file.kind === 'private') {
      identities.push({ kind: 'file', path: file.path, key: file.key, fingerprint: fingerprint(file.blob) });
    } else if (file.kind === 'encrypted') {
      encrypted.push(`key ${file.path} needs a passphrase; add it to ssh-agent: \`ssh-add ${file.path}\``);
    } else {
      notes.push(...describe(file, host.identityFilesDefault));
    }
  }
  if (identities.length === 0) throw nothing(host, encrypted, agent.fault, notes);
  return { identities, notes: [...encrypted, ...notes] };
}

async function askAgent(
  socket: string | null,
  signal: AbortSignal,
): Promise<{ socket: string; keys: readonly AgentKey[]; fault: Fault | null }> {
  if (socket === null) return { socket: '', keys: [], fault: null };
  try {
    return { socket, keys: await listAgentKeys(socket, signal), fault: null };
  } catch (error) {
    const fault = Fault.from(error);
    // Without its agent ssh goes on with the files.
    if (fault.code !== 'AGENT_UNREACHABLE') throw fault;
    return { socket, keys: [], fault };
  }
}

function parseAgentKey(socket: string, held: AgentKey): Identity | string {
  const type = keyType(held.blob);
  const comment = printable(held.comment);
  const shown = `agent key "${comment}" (${printable(type)})`;
  // ssh2 parses a certificate into a key that does not exist and offers it.
  if (type.includes('-cert-v0')) return `${shown} is a certificate, which is not supported yet`;
  if (type.startsWith('sk-') || type.startsWith('webauthn-'))
    return `${shown} is a FIDO key, which is not supported yet`;
  const key = ssh2.utils.parseKey(held.blob);
  if (key instanceof Error) return `${shown} is of a type that is not supported`;
  return { kind: 'agent', socket, comment, key, fingerprint: fingerprint(held.blob) };
}

function describe(
  file: Exclude<IdentityFile, { kind: 'private' | 'encrypted' }>,
  isDefault: boolean,
): readonly string[] {
  switch (file.kind) {
    case 'missing':
      return isDefault ? [] : [`IdentityFile ${file.path} does not exist`];
    case 'refused':
    case 'unusable':
      return [`IdentityFile ${file.path} ${file.why}`];
    case 'public':
      return [`IdentityFile ${file.path} is a public key, and no agent holds its private one; \`ssh-add\` it`];
  }
}

function nothing(host: HostConfig, encrypted: readonly string[], agent: Fault | null, notes: readonly string[]): Fault {
  const why = [...encrypted, ...notes].join('; ');
  const detail = { host: host.alias };
  if (encrypted.length > 0) return new Fault('NEEDS_ANSWER', why, { detail: { ...detail, kind: 'passphrase' } });
  if (agent !== null && notes.length === 1)
    return new Fault('AGENT_UNREACHABLE', agent.message, { cause: agent, detail });
  if (notes.length > 0) return new Fault('IDENTITY_UNREADABLE', `no identity for ${host.alias}: ${why}`, { detail });
  const where = host.agent === null ? 'there is no ssh-agent' : 'the ssh-agent holds no key for it';
  const missing = host.identityFilesDefault ? "ssh's default keys in ~/.ssh" : host.identityFiles.join(', ');
  const files = host.identityFiles.length === 0 ? 'no IdentityFile is set' : `none of ${missing} exists`;
  const text = `no identity for ${host.alias}: ${where} and ${files}; make a key with ssh-keygen, or name one with IdentityFile`;
  return new Fault('IDENTITY_UNREADABLE', text, { detail });
}
