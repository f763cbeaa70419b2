/**
 * One at a time: flock, else one file in the folder \`lock.d\` that is never made or removed but renamed: \`free\`, \`held.PID.START\`, or
 * \`heir.RUN\` while it is handed on. Of all who rename the same name one wins, and no name of a holder ever comes again: so there is never a
 * second one, whoever is killed at whatever moment.
 */
export const locking = `
if command -v flock >/dev/null; then
  lock() { exec 9>lock; flock 9; }
  unlock() { flock -u 9; exec 9>&-; }
  bequeath() { :; }
else
  lock() {
    if [ ! -d lock.d ]; then
      # It is born with the file in it: a folder is never renamed over one that is not empty.
      mkdir "lock.$$" && true >"lock.$$/free" && mv "lock.$$" lock.d
      rm -rf "lock.$$" "lock.d/lock.$$"
    fi
    mine=lock.d/held.$$.$(life $$) seen= n=0
    while :; do
      mv lock.d/free "$mine"
      [ ! -e "$mine" ] || return 0
      for f in lock.d/h*; do
        case $f in
          *held.*) p=\${f#*held.} most=2 ; lives "\${p%%.*}" "\${p#*.}" && continue ;;
          # Whoever handed it on may be gone already, and a slow host has not yet started its heir.
          *heir.*) most=150 ;;
          *) continue ;;
        esac
        if [ "$f" = "$seen" ]; then n=$((n + 1)); else seen=$f n=1; fi
        [ $n -lt $most ] || mv "$f" "$mine"
        [ ! -e "$mine" ] || return 0
      done
      nap 0.1
    done
  }
  unlock() { mv "$mine" lock.d/free; }
  bequeath() { mv "$mine" "lock.d/heir.$run"; }
fi
`;
