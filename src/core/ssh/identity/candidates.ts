import { printable } from '../../model/printable.ts';
import { shellWord } from '../../model/shell-word.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import type { Agent } from './agent.ts';
import { isAccepted } from './algorithm.ts';
import type { Signer } from './identity.ts';
import type { CertificateFile, IdentityFile } from './identity-file.ts';
import { keyType } from './key-blob.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';

/** A key that might be offered, before it is known who signs for it. */
export interface Candidate {
  readonly publicKey: PublicKey | null;
  /** What its file tells before it is opened: by that ssh finds it in the agent. */
  readonly told: PublicKey | null;
  readonly source: string;
  /** The file that it was found in or beside; null for a key of the agent that no file names. */
  readonly path: string | null;
  /** Who signs unless a certificate's key stands in the list by itself. */
  readonly own: Signer | null;
  /** Why nobody does; null where there is nothing to say. */
  readonly why: string | null;
}

/** All that was read. */
export interface Material {
  readonly files: readonly IdentityFile[];
  readonly certificates: readonly CertificateFile[];
  readonly agent: Agent;
}

/** Puts what was read into ssh's order, and leaves out what the host's settings forbid, with a sentence for each. */
export function orderCandidates(
  host: HostConfig,
  { files, certificates, agent }: Material,
): { readonly candidates: readonly Candidate[]; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const filed = files.flatMap((file) => candidatesOf(file, host));
  const named: Candidate[] = [];
  const others: Candidate[] = [];
  for (const { blob, comment } of agent.keys) {
    const source = `agent: ${printable(comment)}`;
    const publicKey = readPublicKey(blob);
    if (publicKey === null) {
      notes.push(`${source} (${printable(keyType(blob))}) is of a type that is not supported`);
      continue;
    }
    const own: Signer = { kind: 'agent', socket: agent.socket, blob };
    const at = filed.findIndex(({ told }) => told?.blob.equals(blob));
    const [match] = at === -1 ? [] : filed.splice(at, 1);
    const candidate = { publicKey, told: publicKey, source, own, why: null };
    if (match !== undefined) named.push({ ...candidate, path: match.path });
    else if (!host.identitiesOnly) others.push({ ...candidate, path: null });
  }
  const listed = certificates.map(
    ({ path, publicKey }): Candidate => ({
      publicKey,
      told: publicKey,
      source: path,
      path,
      own: null,
      why: lonely(path),
    }),
  );
  const candidates = [...listed, ...named, ...others, ...filed].filter(({ publicKey, source }) => {
    const why = publicKey === null ? null : forbidden(publicKey, host);
    if (why !== null) notes.push(`${source} ${why}`);
    return why === null;
  });
  return { candidates, notes };
}

/** Why a key is not offered to this host; null where it may be. */
export function forbidden({ type, rsaSize, certificate }: PublicKey, host: HostConfig): string | null {
  if (certificate !== null && certificate.kind !== 'user')
    return `is no user's certificate but a ${certificate.kind} one; name another CertificateFile`;
  if (rsaSize !== null && rsaSize < host.requiredRsaSize) {
    return `is an RSA key of ${rsaSize} bits, fewer than RequiredRSASize ${host.requiredRsaSize}; make a new key with ssh-keygen`;
  }
  if (isAccepted(type, host.publicKeyAlgorithms)) return null;
  return `is of the type ${type}, which PubkeyAcceptedAlgorithms leaves out; add it there, or use another key`;
}

function candidatesOf(file: IdentityFile, host: HostConfig): readonly Candidate[] {
  const { path, told, beside } = file;
  const publicKey = file.kind === 'private' ? (told ?? file.own) : told;
  const itself: Candidate = { publicKey, told, source: path, path, ...signerOf(file, host) };
  if (beside === null) return [itself];
  const source = `${path}-cert.pub`;
  const fits = file.kind !== 'private' || beside.plain.equals(file.own.plain);
  const why = fits ? lonely(source) : `certificate ${source} is for another key than ${path}; have it signed anew`;
  return [itself, { publicKey: beside, told: beside, source, path, own: fits ? itself.own : null, why }];
}

function signerOf(file: IdentityFile, host: HostConfig): Pick<Candidate, 'own' | 'why'> {
  const { path } = file;
  switch (file.kind) {
    case 'missing':
      return { own: null, why: host.identityFilesDefault ? null : describeMissing(path, host) };
    case 'refused':
    case 'unusable':
      return { own: null, why: `IdentityFile ${path} ${file.why}` };
    case 'public':
      return {
        own: null,
        why: `IdentityFile ${path} is a public key, and no agent holds its private one; \`ssh-add\` it`,
      };
    case 'encrypted': {
      const why = `key ${path} needs a passphrase, and BatchMode forbids to ask; add it to ssh-agent: \`ssh-add ${shellWord(path)}\``;
      return host.batchMode ? { own: null, why } : { own: { kind: 'locked', path, text: file.text }, why: null };
    }
    case 'private': {
      if (file.told === null || file.told.plain.equals(file.own.plain)) {
        return { own: { kind: 'key', key: file.key }, why: null };
      }
      const why = `IdentityFile ${path} is another key than ${path}.pub; write that anew: \`ssh-keygen -y -f ${shellWord(path)} > ${shellWord(`${path}.pub`)}\``;
      return { own: null, why };
    }
  }
}

function describeMissing(path: string, { identityPlaces }: HostConfig): string {
  const at = identityPlaces[path];
  const place = at === undefined ? '' : `${at}: `;
  return `${place}IdentityFile ${path} does not exist; correct the path, or make the key: \`ssh-keygen -f ${shellWord(path)}\``;
}

function lonely(source: string): string {
  return `certificate ${source} has no private key: no IdentityFile and no agent has it; name its IdentityFile, or \`ssh-add\` it`;
}
