import type { Candidate } from './candidates.ts';
import type { Identity, Signer } from './identity.ts';

/**
 * Finds for each candidate who signs for it, as ssh does: for a certificate the key that it certifies, wherever that stands in the
 * list, else a key file that only its name ties to it. Those for whom nobody signs are left out, with a sentence each.
 */
export function chooseSigners(candidates: readonly Candidate[]): {
  readonly identities: readonly Identity[];
  readonly notes: readonly string[];
} {
  const identities: Identity[] = [];
  const notes: string[] = [];
  for (const one of candidates) {
    const { publicKey, source } = one;
    const signer = publicKey?.certificate ? certifiedBy(one, candidates) : one.own;
    if (signer !== null) identities.push({ publicKey, source, signer });
    else if (one.why !== null) notes.push(one.why);
  }
  return { identities, notes };
}

function certifiedBy({ publicKey, path, own }: Candidate, candidates: readonly Candidate[]): Signer | null {
  const key = candidates.find(
    (one) =>
      one.own !== null && one.publicKey?.certificate === null && one.publicKey.plain.equals(publicKey?.plain ?? none),
  );
  if (key !== undefined) return key.own;
  if (own !== null) return own;
  // A file that tells no public key: its name has to do.
  const file = candidates.find((one) => one.publicKey === null && one.path !== null && isNamedAfter(path, one.path));
  return file?.own ?? null;
}

const none = Buffer.alloc(0);

function isNamedAfter(certificate: string | null, key: string): boolean {
  return ['', '.pub', '-cert.pub'].some((suffix) => certificate === `${key}${suffix}`);
}
