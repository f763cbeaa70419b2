import { common, ending, living } from './common.ts';
import { locking } from './locking.ts';

const one = `${common}${living}${locking}${ending}
[ -d "$base/$name" ] || quit none
enter
`;

/**
 * Ends the backend \`$name\`; where \`$only\` is not empty, that run of it and no other. With \`$mark\` it is not started again unless somebody asks
 * for it. Says \`none\`, \`ended\` or \`left PIDS\`.
 */
export const end = `${one}
lock
[ "$mark" = no ] || true >stopped
if ! recall || ! alive; then unlock; quit none; fi
[ -z "$only" ] || [ "$only" = "$r_run" ] || { unlock; quit none; }
end_run "$r_run" "$r_pid" "$r_start" 50 && { rm -f token ready; unlock; quit ended; }
unlock
quit left $(members "$r_run" "$r_pid" "$r_start")
`;

/** Clears what a dead backend left: its processes, unless they serve, and the files of its run. The log stays. Says \`alive\`, \`none\`, \`cleared PIDS\` or \`left PIDS\`. */
export const clear = `${one}
lock
recall || { unlock; quit none; }
! lives "$r_pid" "$r_start" || { unlock; quit alive; }
orphans=$(members "$r_run" "$r_pid" "$r_start")
# What went into the background, or serves though the shell that started it was killed, is alive without that.
if [ -n "$orphans" ] && [ -n "$r_ready" ]; then
  if [ "$r_code" = 0 ] || listens "$r_ready"; then unlock; quit alive; fi
fi
end_run "$r_run" "$r_pid" "$r_start" 50 || { unlock; quit left $(members "$r_run" "$r_pid" "$r_start"); }
rm -f run token ready exit drained ending beat settings command login piece
true >reaped
unlock
quit cleared $orphans
`;

/** Tells all backends of this account, or \`$name\`: a line \`backend NAME\`, then \`key value\`. Looks only. */
export const list = `${common}${living}
only=$name
for d in "$base"/*; do
  name=\${d##*/}
  [ -d "$d" ] && [ ! -h "$d" ] && cd "$d" || continue
  [ -z "$only" ] || [ "$only" = "$name" ] || continue
  say backend "$name"
  [ ! -e stopped ] || say stopped yes
  [ ! -e reaped ] || say reaped yes
  recall || continue
  for k in run pid port hash started life ready host code; do eval "say $k \\"\\$r_$k\\""; done
  lives "$r_pid" "$r_start" && say lives yes
  m=$(members "$r_run" "$r_pid" "$r_start")
  say processes $m
  [ -z "$m" ] || [ -z "$r_ready" ] || ! listens "$r_ready" || say listens yes
  say size $(cat log.[0-9]* | wc -c)
  say command "$(head -c 400 command | tr '\\n\\t' '  ')"
done
say end
`;

/** The log of \`$name\`, the older piece first; \`dir\`, the number of that piece and the line \`mark\` come on standard error. */
export const log = `exec 7>&2
${common}
[ -d "$base/$name" ] || { echo none >&7; exit; }
enter
echo "dir $(pwd)" >&7
[ ! -e mark ] || echo "mark $(cat mark)" >&7
n=
for f in $(ls -d log.[0-9]* | sort -t . -k 2,2n); do
  [ -n "$n" ] || { n=\${f#log.}; echo "from $n" >&7; }
  cat "$f" >&3
done
`;
