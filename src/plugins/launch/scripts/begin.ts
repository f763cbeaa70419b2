import { common, living } from './common.ts';
import { locking } from './locking.ts';

/**
 * Finds the backend that runs, else starts one. One word a line on standard output, \`end\` in the end: \`stopped\`; \`unsafe PATH WHY\`; \`taken\`;
 * \`adopt\` or \`launched\` with what is known of the run. A token, of \`tokensize\` bytes, comes on standard input.
 */
export const begin = `${common}${living}${locking}
enter
say dir "$(pwd)"
say proc $proc
lock
[ "$forced" = no ] || rm -f stopped
[ ! -e stopped ] || quit stopped
tell() {
  for k in run pid port hash rule token started life ready host seen code; do eval "say $k \\"\\$r_$k\\""; done
  lives "$r_pid" "$r_start" && say lives yes
}
if recall && alive; then
  # One that belongs to a link may be about to end with it: where nobody gives it signs of life, that is waited for.
  if [ "$r_life" = session ]; then
    was=$(cat beat) n=0 now=
    while [ $n -lt 30 ]; do
      nap 0.1
      n=$((n + 1))
      read -r k <ending && [ "$k" = "$r_run" ] && break
      now=$(cat beat)
      [ "$now" = "$was" ] || break
    done
    if [ "$now" = "$was" ] || { read -r k <ending && [ "$k" = "$r_run" ]; }; then
      n=0
      while [ $n -lt 300 ] && alive; do nap 0.1; n=$((n + 1)); done
    fi
  fi
  if alive; then
    tell
    unlock
    quit adopt
  fi
fi
listed() { grep -qi ": [0-9A-F]*:$(printf %04X "$1") [0-9A-F]*:[0-9A-F]* $2" /proc/net/tcp /proc/net/tcp6; }
if [ "$fixed" = yes ]; then
  if listed "$ports" 0A; then unlock; quit taken; fi
  port=$ports
else
  port=
  for p in $ports; do
    listed "$p" . || { port=$p; break; }
  done
fi
filled() {
  c=$1
  while :; do
    case $c in *'{port}'*) c=\${c%%'{port}'*}$port\${c#*'{port}'} ;; *) break ;; esac
  done
  printf '%s\\n' "$c"
}
rm -rf token ready exit drained ending beat reaped run settings login begun log.[0-9]* piece
filled "$command" >command
printf '%s\\n' "$keep" >keep
printf '%s\\n' "$mark" >mark
if [ -n "$tokenvar" ]; then
  # Never through a variable: where printf is no builtin it would stand in an argument.
  dd bs=1 count="$tokensize" >token
  [ "$(wc -c <token)" -eq "$tokensize" ] || { unlock; quit no token came; }
fi
if command -v flock >/dev/null; then locked=flock; else locked=folder; fi
filled "$settings" >settings
printf '%s\\n' "port='$port'" "um='$um'" "locked=$locked" >>settings
say run "$run"
say port "$port"
say launched
say end
bequeath
umask "$um"
file=$(pwd)/keep
cd /
if [ "$lifetime" = session ]; then exec sh "$file" >/dev/null 2>&1 3>&-; fi
if command -v setsid >/dev/null; then exec setsid sh "$file" </dev/null >/dev/null 2>&1 3>&-; fi
if command -v perl >/dev/null; then
  exec perl -e 'use POSIX; fork and exit; POSIX::setsid(); exec @ARGV' sh "$file" </dev/null >/dev/null 2>&1 3>&-
fi
nohup sh "$file" </dev/null >/dev/null 2>&1 3>&- &
`;
