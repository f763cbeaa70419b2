import { printable } from '../../model/printable.ts';
import type { WireReader } from '../wire-reader.ts';

/** What an OpenSSH certificate says beside its key (OpenSSH's PROTOCOL.certkeys). */
export interface Certificate {
  readonly kind: 'user' | 'host' | 'unknown';
  /** Escaped. */
  readonly keyId: string;
  /** When its life begins and ends, s since 1970, both as the authority wrote them: 2^64 - 1 is for ever. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
}

/** Reads what follows the key in a certificate. The signature is for the server to judge. */
export function readCertificate(reader: WireReader): Certificate {
  reader.long();
  const type = reader.number();
  const keyId = printable(reader.string().toString('utf8'));
  reader.string();
  const validAfter = reader.long();
  const validBefore = reader.long();
  // Critical options, extensions, a reserved field, the authority's key, its signature.
  for (let i = 0; i < 5; i++) reader.string();
  return { kind: type === 1 ? 'user' : type === 2 ? 'host' : 'unknown', keyId, validAfter, validBefore };
}

/**
 * Says why a server will not take a certificate at this time (ms since 1970), by this machine's clock; null where it may. ssh offers it
 * all the same: only the server's clock counts.
 */
export function describeValidity({ validAfter, validBefore }: Certificate, now: number): string | null {
  if (BigInt(now) >= validBefore * 1000n) return `has expired (${date(validBefore)})`;
  if (BigInt(now) < validAfter * 1000n) return `is not valid yet (from ${date(validAfter)})`;
  return null;
}

function date(seconds: bigint): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? `second ${seconds}` : time.toISOString().slice(0, 19).concat('Z');
}
