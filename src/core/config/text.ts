import { isUtf8 } from 'node:buffer';
import type { Complaint } from './problem.ts';

/** The text of a config file, or why its bytes are none. Only UTF-8 without a byte order mark is text. */
export function decode(
  bytes: Uint8Array,
): { readonly text: string } | { readonly complaint: Complaint; readonly text: string } {
  const lossy = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const refuse = (at: number, message: string, expected: string) => ({
    complaint: { at, path: [], message, expected },
    text: lossy,
  });
  const [first, second, third] = bytes;
  const utf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  // Without a mark, a file that begins with an ASCII character has a zero beside it.
  if (utf16 || (bytes.length > 1 && (first === 0) !== (second === 0))) {
    return refuse(0, 'the file is UTF-16', 'UTF-8: save it again with that encoding');
  }
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return refuse(
      0,
      'the file begins with a byte order mark',
      'UTF-8 without one: save it again as "UTF-8", not "UTF-8 with BOM"',
    );
  }
  if (!isUtf8(bytes)) return refuse(firstInvalid(bytes, lossy), 'the file is not UTF-8 from here on', 'UTF-8');
  const zero = lossy.indexOf('\0');
  if (zero !== -1) return refuse(zero, 'a zero byte stands in the file', 'text');
  if (lossy.trim() === '') return refuse(0, 'the file is empty', 'an object with "relays"');
  return { text: lossy };
}

/** Finds the first replacement character that the file itself does not contain. */
function firstInvalid(bytes: Uint8Array, lossy: string): number {
  const again = Buffer.from(lossy, 'utf8');
  let same = 0;
  while (same < bytes.length && again[same] === bytes[same]) same += 1;
  // The difference may lie inside a character whose first byte happens to agree with U+FFFD's.
  return Math.max(
    0,
    again
      .subarray(0, same)
      .toString('utf8')
      .replace(/\ufffd$/, '').length,
  );
}
