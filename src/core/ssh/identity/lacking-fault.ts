import { Fault } from '../../model/fault.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import type { IdentityFile } from './identity-file.ts';

interface Found {
  readonly files: readonly IdentityFile[];
  /** Why the agent told no keys. */
  readonly agent: Fault | null;
  readonly notes: readonly string[];
}

/** Says why a host has no identity: NEEDS_ANSWER, AGENT_UNREACHABLE or IDENTITY_UNREADABLE. */
export function lackingFault(host: HostConfig, { files, agent, notes }: Found): Fault {
  const why = notes.join('; ');
  const detail = { host: host.alias };
  if (host.batchMode && files.some(({ kind }) => kind === 'encrypted')) {
    return new Fault('NEEDS_ANSWER', why, { detail: { ...detail, kind: 'passphrase' } });
  }
  if (agent !== null && notes.length === 1)
    return new Fault('AGENT_UNREACHABLE', agent.message, { cause: agent, detail });
  if (notes.length > 0) return new Fault('IDENTITY_UNREADABLE', `no identity for ${host.alias}: ${why}`, { detail });
  const where = host.agent === null ? 'there is no ssh-agent' : 'the ssh-agent holds no key for it';
  const missing = host.identityFilesDefault ? "ssh's default keys in ~/.ssh" : host.identityFiles.join(', ');
  const looked = host.identityFiles.length === 0 ? 'no IdentityFile is set' : `none of ${missing} exists`;
  const text = `no identity for ${host.alias}: ${where} and ${looked}; make a key with ssh-keygen, or name one with IdentityFile`;
  return new Fault('IDENTITY_UNREADABLE', text, { detail });
}
