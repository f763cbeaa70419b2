import { common, living } from './common.ts';

/**
 * One look at run \`$run\`, whose record was recalled: what lives of it, and who listens on the host.
 *
 * - \`B live\`, \`B gone CODE\`: the process of the backend itself. \`B none\`: there is no such run.
 * - \`P pid name\`: a process of the run. \`T address uid inode\`: a listening socket, as in /proc/net/tcp. \`S pid inode\`: one of the run's.
 *   \`R pid started\`. \`D\`: its log has its last byte. \`N\`: this host does not show who listens.
 */
export const looking = `
look() {
  if lives "$r_pid" "$r_start"; then
    echo B live
  else
    e=
    read -r k e <exit && [ "$k" = "$run" ] || e=
    echo B gone $e
    [ ! -e drained ] || echo D
  fi
  echo "R $r_pid $r_started"
  [ $proc = yes ] || { echo N; return; }
  m=$(members "$run" "$r_pid" "$r_start")
  files=
  for p in $m; do
    read -r c </proc/$p/comm || c=
    echo P $p "$c"
    files="$files /proc/$p/fd"
  done
  t=$(grep -h ' 0A ' /proc/net/tcp /proc/net/tcp6 | while read -r a l b st c d e u f o r; do
    [ "$st" = 0A ] && echo T "$l" "$u" "$o"
  done)
  [ -z "$t" ] || printf '%s\\n' "$t"
  [ -n "$files" ] || return
  want=$(printf '%s\\n' "$t" | while read -r a l u o; do printf ' %s ' "$o"; done)
  ls -l /dev/null $files | awk -v want="$want" '
    substr($0, 1, 6) == "/proc/" { split($0, part, "/"); p = part[3] }
    index($0, "socket:[") { s = substr($NF, 9, length($NF) - 9); if (index(want, " " s " ")) print "S", p, s }' | sort -u
}
`;

/** One look, and its end. */
export const lookOnce = `${common}${living}${looking}
cd "$dir" || { say B none; exit; }
if recall && [ "$r_run" = "$run" ]; then look >&3; else say B none; fi
`;
