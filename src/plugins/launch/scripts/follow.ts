import { common, living } from './common.ts';
import { looking } from './look.ts';

/**
 * Shows a run until nobody looks any more, or its time is over: its log as it is on standard output; on standard error what lives and
 * listens, whenever that changes, and a dot for each look. \`from\` is \`start\` or \`end\` of the log.
 * It tells that as \`looking\` does. Where the line \`mark\` stands in what is not shown, it says that line itself.
 */
export const follow = `exec 7>&2
${common}${living}
exec 6>&1 3>&7 7>&-
cd "$dir" || exit 1
until=$(($(date +%s) + seconds))
n=0
# A backend that has just been started writes its record itself.
until recall && [ "$r_run" = "$run" ] && [ -e piece ]; do
  n=$((n + 1))
  if [ $n -gt 100 ]; then
    say B none
    say .
    exit
  fi
  nap 0.1
done
${looking}piece=$(cat piece)
i=$piece
# The number of the piece with the mark, once that piece is full; an older towline wrote none.
passed() { [ "$(cat mark)" != "$mark" ] || { [ -e begun ] && [ "$(cat begun)" -lt "$1" ]; }; }
if [ "$from" = start ]; then
  while [ $i -gt 1 ] && [ -e "log.$((i - 1))" ]; do i=$((i - 1)); done
  ! passed "$i" || echo "$mark" >&6
  exec 5<"log.$i"
else
  end=$(wc -c <"log.$i")
  # From a place that stays, whatever comes meanwhile.
  if [ $end -gt 4096 ]; then at=+$((end - 4095)); else at=+1; fi
  tail -c $at "log.$i" | grep -qF "$mark" || echo "$mark" >&6
  tail -c $at "log.$i" >&6
  exec 5<"log.$i"
  dd bs=65536 <&5 >/dev/null
fi
last= n=0
while [ "$(date +%s)" -lt "$until" ]; do
  k=0
  while [ $k -lt 4 ]; do
    k=$((k + 1))
    piece=$(cat piece)
    r=$({ dd bs=65536 count=1 <&5 >&6; } 2>&1)
    case $r in '0+0 '*) ;; *) continue ;; esac
    # What is not the last piece has got its last byte.
    [ "\${piece:-0}" -gt "$i" ] || break
    if [ "$piece" -gt $((i + 1)) ]; then
      passed $((i + 1)) || ! passed $((piece - 1)) || echo "$mark" >&6
      i=$((piece - 1))
    else
      i=$piece
    fi
    command exec 5<"log.$i"
  done
  now=$(look)
  [ "$now" = "$last" ] || printf '%s\\n' "$now" >&3
  last=$now
  # Where nobody listens any more this is the end, also for a shell whose printf is a program.
  say . || exit
  n=$((n + 1))
  if [ $n -lt 20 ]; then nap 0.1; elif [ $n -lt 60 ]; then nap 0.3; else nap 1; fi
done
`;
