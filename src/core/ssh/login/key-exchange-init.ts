import type { AlgorithmLists } from './algorithms.ts';

/** No server's first packets are longer (RFC 4253 section 6.1 asks for 35000 bytes). */
const longest = 64 * 1024;

/** SSH_MSG_KEXINIT (RFC 4253 section 7.1). */
const kexInit = 20;

/**
 * Reads what a server offers from the bytes that follow its greeting: its KEXINIT comes in the clear. Undefined: it has not all come
 * yet. Null: there is none in what came.
 */
export function readOffer(bytes: Buffer): AlgorithmLists | null | undefined {
  for (let at = 0; ; ) {
    if (bytes.length < at + 6) return undefined;
    const length = bytes.readUInt32BE(at);
    if (length < 2 || length > longest) return null;
    if (bytes.length < at + 4 + length) return undefined;
    const padding = bytes.readUInt8(at + 4);
    const payload = bytes.subarray(at + 5, Math.max(at + 5, at + 4 + length - padding));
    // Without strict key exchange others may come before it.
    if (payload[0] === kexInit) return readLists(payload.subarray(17));
    at += 4 + length;
    if (at > longest) return null;
  }
}

/** The name-lists after the cookie: of the two directions the one from us counts, servers do not tell them apart. */
function readLists(bytes: Buffer): AlgorithmLists | null {
  const lists: string[][] = [];
  for (let at = 0; lists.length < 6; ) {
    if (bytes.length < at + 4) return null;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return null;
    const names = bytes.toString('latin1', at + 4, end);
    lists.push(names === '' ? [] : names.split(','));
    at = end;
  }
  const [kex = [], hostKeys = [], ciphers = [], , macs = []] = lists;
  return { kex, hostKeys, ciphers, macs };
}
