/**
 * What every script begins with: POSIX sh that dash and busybox take. It enters the state folder of the backend `$name`, which is ours
 * alone, or says `unsafe`. Control lines go to descriptor 3; nothing else that a tool says is seen.
 */
export const common = `
exec 3>&1 2>/dev/null
um=$(umask)
umask 077
unset TOWLINE_RUN
me=$(id -u)
say() { printf '%s\\n' "$*" >&3; }
quit() { say "$@"; say end; exit 0; }
nap() { sleep "$1" || sleep 1; }
state=\${XDG_STATE_HOME:-$HOME/.local/state}
# A home folder may be that of several hosts, and a pid means something on one of them only. A Mac is called as its network pleases.
host() {
  case $(uname -s) in Darwin) i=$(ioreg -rd1 -c IOPlatformExpertDevice | sed -n 's/.*IOPlatformUUID" = "\\(.*\\)".*/\\1/p') ;; *) i= ;; esac
  if [ -n "$i" ]; then set -- mac "$i"; else set -- "$(uname -n)" "$(cat /etc/machine-id)"; fi
  sum=$(echo "$2" | cksum)
  echo "$1-\${sum%% *}" | tr -c 'A-Za-z0-9.\\n-' _
}
base=$state/towline/backends/$(host)
enter() {
  mkdir -p "$base/$name" || quit unsafe "$base/$name" cannot be made
  for d in "$state/towline" "$state/towline/backends" "$base" "$base/$name"; do
    [ ! -h "$d" ] || quit unsafe "$d" is a symlink
    ls -ldn "$d" | { read -r m l u r; [ "$u" = "$me" ]; } || quit unsafe "$d" belongs to another user
    chmod 700 "$d" || quit unsafe "$d" cannot be made private
  done
  cd "$base/$name" || quit unsafe "$base/$name" cannot be entered
}
`;

/** Who lives: a process is the one of old when its start time is. A zombie is dead. */
export const living = `
if [ -r /proc/self/stat ] && [ -r /proc/self/environ ]; then proc=yes; else proc=no; fi
life() {
  if [ $proc = no ]; then
    case $(ps -o stat= -p "$1") in ''|*Z*) return 1 ;; esac
    ps -o lstart= -p "$1" | tr -s ' ' _
    return
  fi
  s=$(cat "/proc/$1/stat") || return 1
  set -- \${s##*) }
  case $1 in Z|X) return 1 ;; esac
  echo "\${20}"
}
lives() { [ -n "$1" ] && [ -n "$2" ] && [ "$(life "$1")" = "$2" ]; }

# The pids whose environment has the mark of run $1, and the descendants of process $2.
if grep -V | grep -q GNU; then
  carriers() { (cd /proc && grep -lsaF "TOWLINE_RUN=$1" [0-9]*/environ) | while IFS=/ read -r p r; do echo "$p"; done; }
else
  carriers() {
    for p in /proc/[0-9]*; do
      [ -O "$p" ] && tr '\\000' '\\n' <"$p/environ" | grep -qxF "TOWLINE_RUN=$1" && echo "\${p#/proc/}"
    done
  }
fi
family() {
  if [ $proc = yes ]; then
    cat /proc/[0-9]*/stat | awk '{ p = $1; sub(/^.*[)] /, ""); print p, $2, $1 }'
  else
    ps -A -o pid= -o ppid= -o stat=
  fi | awk -v root="$1" '
    $3 !~ /Z|X/ { up[$1] = $2 }
    END { for (p in up) { q = p; n = 0; while (q in up && q != root && n++ < 64) q = up[q]; if (q == root) print p } }'
}
members() {
  {
    [ $proc = no ] || carriers "$1"
    if lives "$2" "$3"; then family "$2"; fi
  } | sort -un
}

# The record of the last run, one word a line.
recall() {
  r_run= r_pid= r_start= r_port= r_hash= r_rule= r_token= r_started= r_life= r_ready= r_host= r_seen= r_code=
  while read -r k v; do
    case $k in
      run) r_run=$v ;; pid) r_pid=$v ;; start) r_start=$v ;; port) r_port=$v ;; hash) r_hash=$v ;; rule) r_rule=$v ;;
      token) r_token=$v ;; started) r_started=$v ;; lifetime) r_life=$v ;;
    esac
  done <run
  [ -n "$r_run" ] || return 1
  read -r k p h t <ready && [ "$k" = "$r_run" ] && r_ready=$p r_host=$h r_seen=$t
  read -r k e <exit && [ "$k" = "$r_run" ] && r_code=$e
  return 0
}
# Whether anybody listens on port $1; where that is not shown, it is taken to be so.
listens() {
  [ -r /proc/net/tcp ] || return 0
  cat /proc/net/tcp /proc/net/tcp6 | grep -qi ": [0-9A-F]*:$(printf '%04x' "$1") [0-9A-F]*:[0-9A-F]* 0A"
}
alive() { lives "$r_pid" "$r_start" || [ -n "$(members "$r_run" "$r_pid" "$r_start")" ]; }
`;

/**
 * Ends all processes of run \`$1\` (pid \`$2\`, start \`$3\`): TERM, \`$4\` tenths of a second (a second more at most where the looks take their
 * time), KILL. False where some outlive that.
 */
export const ending = `
end_run() {
  for p in $(members "$1" "$2" "$3"); do kill -TERM "$p"; done
  n=0 since=$(date +%s)
  while [ $n -lt "$4" ] && [ $(($(date +%s) - since)) -le $(($4 / 10)) ]; do
    [ -n "$(members "$1" "$2" "$3")" ] || return 0
    nap 0.1
    n=$((n + 1))
  done
  # One that starts others while it is killed needs more than one look.
  for n in 1 2 3 4 5 6 7 8 9 10; do
    left=$(members "$1" "$2" "$3")
    [ -n "$left" ] || return 0
    for p in $left; do kill -KILL "$p"; done
    nap 0.1
  done
  return 1
}
`;
