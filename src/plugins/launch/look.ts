/** A listening socket of the host. */
export interface Listener {
  /** As a person writes it: `127.0.0.1`, `::`. */
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  /** Whether a process of the run has it open. */
  readonly own: boolean;
}

/** What one look at a run saw. */
export interface Look {
  /** The process of the backend itself. `none`: there is no such run. */
  readonly main: 'live' | 'gone' | 'none';
  readonly pid: number;
  /** Seconds since 1970. */
  readonly started: number;
  /** Its exit code, once it is known. */
  readonly code: number | null;
  /** Whether its log has its last byte. */
  readonly drained: boolean;
  readonly processes: readonly { readonly pid: number; readonly name: string }[];
  readonly listeners: readonly Listener[];
  /** False where the host has no /proc: nobody can tell whose a listener is. */
  readonly tellable: boolean;
}

/** Reads the lines of a look, as the script `follow` writes them. */
export function readLook(lines: readonly string[]): Look {
  let main: Look['main'] = 'none';
  let code: number | null = null;
  let tellable = true;
  let drained = false;
  let pid = 0;
  let started = 0;
  const processes: { pid: number; name: string }[] = [];
  const sockets: { address: string; port: number; uid: number; inode: string }[] = [];
  const own = new Set<string>();
  for (const line of lines) {
    const [kind, first = '', second = '', third = ''] = line.split(' ');
    if (kind === 'B') {
      main = first === 'live' || first === 'gone' ? first : 'none';
      if (/^\d{1,3}$/.test(second)) code = Number(second);
    } else if (kind === 'R') {
      pid = Number(first);
      started = Number(second);
    } else if (kind === 'P') {
      processes.push({ pid: Number(first), name: line.slice(`P ${first} `.length) });
    } else if (kind === 'T') {
      const place = readAddress(first);
      if (place !== null) sockets.push({ ...place, uid: Number(second), inode: third });
    } else if (kind === 'S') own.add(second);
    else if (kind === 'N') tellable = false;
    else if (kind === 'D') drained = true;
  }
  const listeners = sockets.map(({ inode, ...socket }) => ({ ...socket, own: own.has(inode) }));
  return { main, pid, started, code, drained, processes, listeners, tellable };
}

/** `0100007F:1F90` as in /proc/net/tcp (proc_net(5)): words of four bytes, each in the byte order of the host. */
export function readAddress(text: string): { readonly address: string; readonly port: number } | null {
  const match = /^((?:[0-9A-F]{8})|(?:[0-9A-F]{32})):([0-9A-F]{4})$/.exec(text);
  const [, words = '', port = ''] = match ?? [];
  if (match === null) return null;
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].reverse());
  return { address: bytes.length === 4 ? bytes.join('.') : version6(bytes), port: Number.parseInt(port, 16) };
}

function version6(bytes: readonly number[]): string {
  const mapped = bytes.slice(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 255));
  if (mapped) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, n) =>
    (((bytes[2 * n] ?? 0) << 8) | (bytes[2 * n + 1] ?? 0)).toString(16),
  );
  // The URL parser knows the short form (RFC 5952).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
