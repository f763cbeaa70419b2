import type { KeyObject } from 'node:crypto';
import type { Fault } from '../../model/fault.ts';
import type { HostConfig } from '../resolve/host-config.ts';
import { askAgent } from './agent.ts';
import { orderCandidates } from './candidates.ts';
import { describeValidity } from './certificate.ts';
import { fingerprint } from './fingerprint.ts';
import { readCertificates, readIdentityFile } from './identity-file.ts';
import { lackingFault } from './lacking-fault.ts';
import type { PublicKey } from './public-key.ts';
import { chooseSigners } from './signers.ts';

/** Who signs for an identity. */
export type Signer =
  /** The agent at this socket, with the key that it knows by this wire form. */
  | { readonly kind: 'agent'; readonly socket: string; readonly blob: Buffer }
  | { readonly kind: 'key'; readonly key: KeyObject }
  /** A private key whose file, with this text, is encrypted. */
  | { readonly kind: 'locked'; readonly path: string; readonly text: string };

/** A key or certificate that may be offered to a server. */
export interface Identity {
  /** Null where an encrypted file does not tell it: then the passphrase is asked for first, as by ssh. */
  readonly publicKey: PublicKey | null;
  /** For people: the file, or `agent: ` and the key's comment. */
  readonly source: string;
  readonly signer: Signer;
}

/** What may be offered, first one first. */
export interface LoadedIdentities {
  readonly identities: readonly Identity[];
  /** A sentence for each key that may not be offered, and for a certificate that is of no use at this time. */
  readonly notes: readonly string[];
  /** Why there is no identity at all; null where there is one. A server may let a password in. */
  readonly lacking: Fault | null;
}

/**
 * Finds a host's identities in ssh's order: certificates of CertificateFile, keys of the agent that an IdentityFile names, its other keys
 * (unless IdentitiesOnly), then the files, each before the certificate beside it. A key stands there once. Rejects with the signal's reason.
 */
export async function loadIdentities(host: HostConfig, signal: AbortSignal): Promise<LoadedIdentities> {
  const [files, certificates, agent] = await Promise.all([
    Promise.all(host.identityFiles.map((path) => readIdentityFile(path, host.certificateFiles.length === 0))),
    readCertificates(host.certificateFiles),
    askAgent(host.agent, signal),
  ]);
  const ordered = orderCandidates(host, { files, certificates: certificates.found, agent });
  const chosen = chooseSigners(ordered.candidates);
  const identities = chosen.identities.filter(
    (one, index) => chosen.identities.findIndex((other) => identityName(other) === identityName(one)) === index,
  );
  const notes = [
    ...(agent.fault === null ? [] : [agent.fault.message]),
    ...[...certificates.notes, ...ordered.notes, ...chosen.notes],
  ];
  const lacking = identities.length === 0 ? lackingFault(host, { files, agent: agent.fault, notes }) : null;
  return { identities, notes: [...notes, ...identities.flatMap(describeExpired)], lacking };
}

/** Names an identity for the count of what a host has refused: another certificate for the same key is another one. */
export function identityName({ publicKey, source }: Identity): string {
  return publicKey === null ? source : fingerprint(publicKey.blob);
}

function describeExpired({ publicKey, source }: Identity): readonly string[] {
  const certificate = publicKey?.certificate ?? null;
  const why = certificate === null ? null : describeValidity(certificate, Date.now());
  return why === null ? [] : [`certificate ${source} (key ID "${certificate?.keyId}") ${why}; have it signed anew`];
}
