import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import type { ClientConnection } from '../model/plugin.ts';

/** One socket of this machine as the kernel lists it (proc_pid_net(5)); ends are `address port`, the address in one form. */
export interface TcpRow {
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  /** Hexadecimal number of the state; see `tcpState`. */
  readonly state: string;
  /** Bytes that arrived and nobody has read; the end of the stream counts as one. */
  readonly unread: number;
  readonly uid: number;
  /** 0 for a socket that no process has any more. */
  readonly inode: number;
}

/** The states that somebody asks for (linux/net/tcp_states.h). */
export const tcpState = { established: '01', closeWait: '08', listen: '0A' };

/** Every TCP socket of this network namespace; null where there is no /proc/net/tcp. */
export async function readTcpTable(): Promise<readonly TcpRow[] | null> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => readFile(table, 'utf8').catch(() => null)),
  );
  if (tables[0] === null) return null;
  // A machine has thousands of sockets, and few addresses.
  const addresses = new Map<string, string>();
  return tables.flatMap((text) =>
    (text ?? '')
      .split('\n')
      .slice(1)
      .flatMap((line) => parseRow(line, addresses)),
  );
}

/** An end of a connection in the form in which the table has it. */
export function formatEnd(address: string, port: number): string {
  return `${canonical(address)} ${port}`;
}

/**
 * The user who owns the client's end of a loopback connection; null when the kernel lists no such end, or more than one. Both
 * addresses count as well as both ports: another user may have the same port on 127.0.0.2.
 */
export async function uidOf({ from, to }: ClientConnection): Promise<number | null> {
  const rows = from === null || to === null ? null : await readTcpTable();
  if (rows === null || from === null || to === null) return null;
  const [local, remote] = [formatEnd(from.address, from.port), formatEnd(to.address, to.port)];
  const found = rows.filter((row) => row.local === local && row.remote === remote && row.inode !== 0);
  return found.length === 1 ? (found[0]?.uid ?? null) : null;
}

/** `addresses` holds those that were decoded before. */
function parseRow(line: string, addresses: Map<string, string>): readonly TcpRow[] {
  const [, local, remote, state, queues = '', , , uid, , inode] = line.trim().split(/\s+/);
  if (local === undefined || remote === undefined || state === undefined || inode === undefined) return [];
  const port = Number.parseInt(local.slice(local.indexOf(':') + 1), 16);
  const unread = Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16);
  const [near, far] = [decode(local, addresses), decode(remote, addresses)];
  return [{ local: near, remote: far, port, state, unread, uid: Number(uid), inode: Number(inode) }];
}

function decode(end: string, addresses: Map<string, string>): string {
  const [hex = '', port = ''] = end.split(':');
  let address = addresses.get(hex);
  if (address === undefined) {
    address = decodeAddress(hex);
    addresses.set(hex, address);
  }
  return `${address} ${Number.parseInt(port, 16)}`;
}

/** The kernel prints each 32-bit word of an address in the machine's byte order: little-endian wherever Node runs. */
function decodeAddress(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return canonical(bytes.length === 4 ? [...bytes].join('.') : (bytes.toString('hex').match(/.{4}/g) ?? []).join(':'));
}

/** One form for one address: IPv4 in IPv6 (RFC 4291 section 2.5.5.2) is IPv4, and IPv6 is as short as it can be. */
function canonical(address: string): string {
  const plain = address.replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const short = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
