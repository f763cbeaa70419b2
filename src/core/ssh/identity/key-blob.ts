/** The type that a public key in its wire form (RFC 4253 section 6.6) says it has; empty for what is no key. */
export function keyType(blob: Buffer): string {
  if (blob.length < 4) return '';
  const length = blob.readUInt32BE(0);
  return length > 64 || blob.length < 4 + length ? '' : blob.toString('latin1', 4, 4 + length);
}

/** Writes a `string` of RFC 4251 section 5: its length, then its bytes; text as UTF-8. */
export function wireString(data: Buffer | string): Buffer {
  const bytes = Buffer.from(data);
  return Buffer.concat([wireNumber(bytes.length), bytes]);
}

/** Writes a `uint32` of RFC 4251 section 5. */
export function wireNumber(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Writes a positive `mpint` of RFC 4251 section 5 from its magnitude. */
export function wireInteger(magnitude: Buffer): Buffer {
  const from = magnitude.findIndex((byte) => byte !== 0);
  const bytes = from === -1 ? Buffer.alloc(0) : magnitude.subarray(from);
  return wireString((bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]));
}
