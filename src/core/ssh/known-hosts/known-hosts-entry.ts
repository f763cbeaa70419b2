import { createHmac, randomBytes } from 'node:crypto';
import { keyType } from '../identity/key-blob.ts';
import { knownName } from './known-name.ts';

/** The line that ssh adds for a new host: its name, hashed if that is wanted (HashKnownHosts), and its key; without newline. */
export function formatEntry(name: string, port: number, key: Buffer, hashed: boolean): string {
  const host = knownName(name, port);
  return `${hashed ? hashName(host) : host} ${keyType(key)} ${key.toString('base64')}`;
}

/** False for a name that would mean something else in known_hosts: ssh never writes such a one, nor do we. */
export function isRecordable(name: string): boolean {
  return /^[^\p{Cc}\s@?*#[\]|'"\\,!]+$/u.test(name);
}

/** `|1|salt|hash`: HMAC-SHA1 over the name with a salt of its own, so that the file does not tell where its user goes. */
function hashName(host: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(host).digest('base64')}`;
}
