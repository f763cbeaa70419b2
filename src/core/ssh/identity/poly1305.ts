const prime = (1n << 130n) - 5n;

/** The authenticator of RFC 8439 section 2.5, which node:crypto has only as a part of its own AEAD. For short data: it counts with BigInt. */
export function poly1305(key: Buffer, data: Buffer): Buffer {
  const r = number(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < data.length; at += 16) {
    const block = data.subarray(at, at + 16);
    sum = ((sum + number(block) + (1n << BigInt(8 * block.length))) * r) % prime;
  }
  const tag = (sum + number(key.subarray(16, 32))) % (1n << 128n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

/** Little-endian. */
function number(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
