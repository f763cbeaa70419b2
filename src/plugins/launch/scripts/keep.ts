import { ending, living } from './common.ts';
import { becomeLoginShell } from '../../shell/login-shell.ts';
import { searchPath } from '../../shell/search-path.ts';

const asLogin = becomeLoginShell({
  posix: '. "$0"',
  csh: 'source "$argv[1]"',
  others: '"$file"',
  operand: '"$file"',
});

/**
 * The file \`keep\` in the state folder. As \`sh keep\` it leads the session of a run: it starts the backend and bounds its log, until the last
 * process that writes to it has ended. As \`sh keep enter\` it becomes the backend. No process of it is put in the background by the shell: that
 * would leave the backend, and every terminal that it opens, deaf to Ctrl-C. Pipelines run side by side without that.
 */
export const keep = `
cd "\${0%/*}" || exit 1
. ./settings
# Whoever has waited too long for the lock may have taken it, and starts one of its own.
inherit() {
  [ "$locked" != flock ] || return 0
  mine=lock.d/held.$$.$(life $$)
  mv "$1" "$mine"
  [ -e "$mine" ] || exit 1
}
if [ "$1" = enter ]; then
  exec 8>&2 2>/dev/null
${living}
  inherit "$2"
  printf '%s\\n' "run $run" "pid $$" "start $(life $$)" "port $port" "hash $hash" "rule $rule" "token $tokenhash" \\
    "started $(date +%s)" "lifetime $lifetime" >run.new
  mv -f run.new run
  if [ "$locked" = flock ]; then
    flock -u 9
    exec 9>&-
  else
    mv "$mine" lock.d/free
  fi
  here=$(pwd)
  mark=$(cat mark)
  # Behind its startup files a login shell says it by its first line. Each shell reads that line alike, and no alias or PATH of theirs changes it.
  [ "$shell" != login ] || { echo "/bin/sh -c 'echo $mark'"; cat command; } >login
${searchPath}
  if [ -n "$tokenvar" ]; then
    IFS= read -r t <token
    export "$tokenvar=$t"
    unset t
  fi
  export TOWLINE_RUN="$run"
  variables
  umask "$um"
  cd "$HOME"
  case $cwd in '~/'*) cwd=$HOME/\${cwd#'~/'} ;; '~') cwd=$HOME ;; esac
  if [ -n "$cwd" ] && ! cd "$cwd"; then
    echo "towline: there is no folder $cwd to start in" >&8
    exit 1
  fi
  sh=\${SHELL:-/bin/sh}
  exec 2>&8 8>&-
  if [ "$shell" != login ]; then
    echo "$mark"
    exec sh "$here/command"
  fi
  file=$here/login
${asLogin}
fi
exec 4<&0 </dev/null
umask 077
${living}
inherit "lock.d/heir.$run"
finish() { echo "$run $1" >exit.new; mv -f exit.new exit; }
backend() { sh ./keep enter "$mine"; finish $?; }
# dd with bs= passes on what it reads as it comes. It stops at 512 KiB at most, so that no piece of the log is larger than 1 MiB; small
# blocks, since it stops after so many reads, however little each of them brought, and a new one is a new process.
drain() {
  pour
  true >drained
}
pour() {
  n=1
  while :; do
    # Of what it says only the count of an end counts: GNU's warns of short reads, which are no failure.
    if r=$(dd bs=8192 count=64 2>&1 >>"log.$n"); then
      case $r in '0+0 '*) break ;; esac
    else
      # No space is left: what comes is let go, so that the backend never waits.
      r=$(dd bs=65536 count=8 2>&1 >/dev/null)
      case $r in '0+0 '*) break ;; esac
    fi
    if [ "$(wc -c <"log.$n")" -ge 524288 ]; then
      # Who reads on where this piece is gone does not find the mark any more.
      [ -e begun ] || ! grep -qF "$(cat mark)" "log.$n" || echo $n >begun
      n=$((n + 1))
      true >"log.$n"
      echo $n >piece.new
      mv -f piece.new piece
      rm -f "log.$((n - 2))"
    fi
  done
}
echo 1 >piece
true >log.1
if [ "$lifetime" != session ]; then
  backend 2>&1 4<&- | drain 4<&- 9>&-
  exit
fi
exec 2>/dev/null
${ending}
give_up() {
  # Another run may have taken its place: that one is none of its business.
  recall && [ "$r_run" = "$run" ] || return
  echo "$run" >ending
  end_run "$run" "$r_pid" "$r_start" 20
}
# Each line from the other side is a sign of life; the end of them is the end of the link.
hear() {
  i=0
  while read -r beat; do
    i=$((i + 1))
    echo $i >beat
  done
  give_up
}
# A link that is cut says nothing: as long as its own keepalive would wait.
watch() {
  was= silent=0
  while [ $silent -lt 10 ]; do
    nap 2
    read -r k e <exit && [ "$k" = "$run" ] && return
    # Another one has its place, and gives signs of life there.
    recall && [ "$r_run" != "$run" ] && return
    read -r now <beat
    if [ "$now" = "$was" ]; then silent=$((silent + 1)); else silent=0; fi
    was=$now
  done
  give_up
}
nap() { sleep "$1" || sleep 1; }
echo 0 >beat
hear <&4 9>&- | watch 4<&- 9>&- | backend 2>&1 </dev/null 4<&- | drain 4<&- 9>&-
`;
