import { common, living } from './common.ts';

/**
 * Writes down where run `$run` listens and the hash of its token, for the links to come; where `$fresh` is yes, the token that it printed too
 * (standard input).
 */
export const settle = `${common}${living}
enter
recall && [ "$r_run" = "$run" ] || quit gone
if [ "$fresh" = yes ]; then
  cat >token.new && [ -s token.new ] && mv -f token.new token || quit failed
fi
printf '%s\\n' "$run $port $host $hash" >ready.new && mv -f ready.new ready || quit failed
quit done
`;

/** Says whose a listening port is: \`uid user pid name\`, as far as this account may see. */
export const whose = `
h=$(printf %04X "$port")
grep -hi ": [0-9A-F]*:$h [0-9A-F]*:[0-9A-F]* 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null |
while read -r a l b st c d e u f o r; do
  p=$(ls -l /dev/null /proc/[0-9]*/fd 2>/dev/null | awk -v want="socket:[$o]" '
    substr($0, 1, 6) == "/proc/" { split($0, part, "/"); p = part[3] }
    $NF == want { print p; exit }')
  n=
  [ -z "$p" ] || read -r n <"/proc/$p/comm"
  echo "$u $(id -un "$u" 2>/dev/null || echo -) \${p:--} $n"
done 2>/dev/null
`;
