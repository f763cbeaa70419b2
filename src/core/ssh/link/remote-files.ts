import { randomBytes } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { RemoteHost, RunEnd } from '../../model/remote.ts';

type Runner = Pick<RemoteHost, 'run' | 'facts'>;
type ReadOptions = NonNullable<Parameters<RemoteHost['readFile']>[1]>;
type WriteOptions = NonNullable<Parameters<RemoteHost['writeFile']>[2]>;

/** Exit codes of the scripts below, told to the user. */
const reasons: Readonly<Record<number, string>> = {
  3: 'there is no such file',
  4: 'it is no regular file',
  5: 'it may not be read',
  7: 'it is a symlink of another user, refusing to follow it',
  8: 'it is a symlink, refusing to replace it',
  9: 'its folder cannot be written to',
};

const tooLarge = 6;

/** A path that begins with `~/` is below the home folder. Whose a symlink is stands in the third column (POSIX ls). */
const prelude = (path: string) => `
umask 077
p=${quoted(path)}
case $p in '~/'*) p=$HOME/\${p#'~/'};; esac
case $p in -*) p=./$p;; esac
`;

const reading = `
if [ -h "$p" ]; then
  set -- $(ls -ldn "$p")
  [ "$3" = 0 ] || [ "$3" = "$(id -u)" ] || exit 7
fi
[ -e "$p" ] || exit 3
[ -f "$p" ] || exit 4
[ -r "$p" ] || exit 5
[ "$(wc -c <"$p")" -le "$most" ] || exit 6
exec cat "$p"
`;

// A name of its own by mkdir: what somebody laid there before (T28) makes it fail.
const writing = `
[ ! -h "$p" ] || exit 8
d=$p.$n
mkdir "$d" 2>/dev/null || exit 9
trap 'rm -rf "$d"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$d/new" && [ "$(wc -c <"$d/new")" -eq "$size" ] && chmod "$mode" "$d/new" && mv -f "$d/new" "$p" || exit 9
`;

/** Reads a file on the host; see RemoteHost.readFile. */
export async function readRemoteFile(host: Runner, path: string, options: ReadOptions = {}): Promise<Buffer> {
  const { most = 1024 * 1024, signal } = options;
  const chunks: Buffer[] = [];
  let size = 0;
  const end = await host.run(`${prelude(path)}most=${most}${reading}`, {
    most: 0,
    // The file may have grown since it was measured.
    onStdout: (chunk) => {
      size += chunk.length;
      if (size <= most) chunks.push(Buffer.from(chunk));
    },
    ...(signal === undefined ? {} : { signal }),
  });
  if (end.code === tooLarge || size > most) {
    throw failed(host, 'read', path, `it is larger than ${most} bytes`);
  }
  check(host, 'read', path, end);
  return Buffer.concat(chunks);
}

/** Writes a file on the host; see RemoteHost.writeFile. */
export async function writeRemoteFile(
  host: Runner,
  path: string,
  data: string | Buffer,
  { mode = 0o600, signal }: WriteOptions = {},
): Promise<void> {
  const bytes = Buffer.from(data);
  const set = `mode=${mode.toString(8)} size=${bytes.length} n=${randomBytes(8).toString('hex')}`;
  const end = await host.run(`${prelude(path)}${set}${writing}`, {
    stdin: bytes,
    ...(signal === undefined ? {} : { signal }),
  });
  check(host, 'write', path, end);
}

function check(host: Runner, verb: 'read' | 'write', path: string, end: RunEnd): void {
  if (end.code === 0) return;
  if (end.late) throw failed(host, verb, path, 'it took too long');
  const said = printable(end.stderr.trim());
  throw failed(host, verb, path, reasons[end.code ?? -1] ?? (said === '' ? 'it did not work' : said));
}

function failed({ facts }: Runner, verb: 'read' | 'write', path: string, why: string): Fault {
  const text = `cannot ${verb} ${printable(path)} on ${facts.remote}: ${why}; check its path and permissions there`;
  return new Fault('REMOTE_FILE', text, { detail: { path: printable(path) } });
}

function quoted(text: string): string {
  if (text.includes('\0')) throw new Fault('REMOTE_FILE', 'a path on the host has a NUL in it; correct the path');
  return `'${text.replaceAll("'", "'\\''")}'`;
}
