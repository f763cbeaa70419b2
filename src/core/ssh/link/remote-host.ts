import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { RemoteHost, RunOptions } from '../../model/remote.ts';
import type { Link } from './link.ts';

const loopback = { address: '127.0.0.1', port: 0 };
const mostRead = 1024 * 1024;

// The path is the first line of what they read: it stands in no argument. The rest is the file.
const readScript = `IFS= read -r path
case $path in "~/"*) path=$HOME/\${path#"~/"} ;; esac
IFS= read -r most
[ -e "$path" ] || { echo missing; exit 3; }
[ -f "$path" ] || { echo "no regular file"; exit 3; }
[ -r "$path" ] || { echo unreadable; exit 3; }
size=$(wc -c <"$path") || exit 3
[ "$size" -le "$most" ] || { echo "$((size)) bytes, more than $most"; exit 3; }
echo; exec cat "$path"`;

const writeScript = `IFS= read -r path
case $path in "~/"*) path=$HOME/\${path#"~/"} ;; esac
IFS= read -r mode
[ -L "$path" ] && { echo "a symlink"; exit 3; }
[ -d "$path" ] && { echo "a folder"; exit 3; }
umask 077
new=$path.$$.new
set -C
: >"$new" || exit 3
set +C
cat >"$new" && chmod "$mode" "$new" && mv -f "$new" "$path" || { rm -f "$new"; exit 3; }`;

/** What a plugin gets of a link. */
export function remoteHost(link: Link): RemoteHost {
  const [user = ''] = link.facts.remote.split('@');
  const run = (script: string, options?: RunOptions) => link.runScript(script, options);
  const trouble = (path: string, deed: string, why: string): Fault =>
    new Fault(
      'REMOTE_FILE',
      `${printable(path)} on ${link.facts.remote} cannot be ${deed}: ${printable(why)}; check it there`,
    );
  return {
    facts: { remote: link.facts.remote, user },
    run,
    dial: (target) => link.dial(target, loopback),
    async readFile(path, { most = mostRead, signal } = {}) {
      const chunks: Buffer[] = [];
      const end = await run(readScript, {
        stdin: `${lineOf(path)}\n${most}\n`,
        most: 4_096,
        onStdout: (chunk) => chunks.push(Buffer.from(chunk)),
        ...(signal === undefined ? {} : { signal }),
      });
      const all = Buffer.concat(chunks);
      if (end.code !== 0)
        throw trouble(path, 'read', all.toString('utf8').trim() || end.stderr.trim() || 'it ended early');
      return all.subarray(1);
    },
    async writeFile(path, data, { mode = 0o600, signal } = {}) {
      const head = Buffer.from(`${lineOf(path)}\n${mode.toString(8)}\n`);
      const end = await run(writeScript, {
        stdin: Buffer.concat([head, Buffer.from(data)]),
        ...(signal === undefined ? {} : { signal }),
      });
      if (end.code !== 0) throw trouble(path, 'written', end.stdout.trim() || end.stderr.trim() || 'it ended early');
    },
  };
}

function lineOf(path: string): string {
  if (!/[\n\r\0]/.test(path)) return path;
  throw new Fault('REMOTE_FILE', `${printable(path)} has a line's end in it, which no path may have here; correct it`);
}
