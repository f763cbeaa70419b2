import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import type { RemoteHost } from '../../model/remote.ts';
import { quoteForShell } from '../../model/shell-quote.ts';

/** What a server does not say: why it would not listen. A look at its host tells, where commands may be run; else the fault stays as it is. */
export async function explainRefusal(host: RemoteHost, where: string, listen: Endpoint, fault: Fault): Promise<Fault> {
  if (fault.code !== 'LISTEN_UNAVAILABLE') return fault;
  const name = formatEndpoint(listen);
  const found = await host
    .run(listen.kind === 'tcp' ? lookAtPort(listen.port) : lookAtPath(listen.path))
    .catch(() => null);
  if (found?.code !== 0) return fault;
  const [me, ...rows] = found.stdout.trim().split('\n');
  const told = (code: 'LISTEN_TAKEN' | 'FORWARDING_REFUSED', text: string) =>
    new Fault(code, text, { detail: { listen: name } });
  const [owner] = rows;
  if (owner === undefined) {
    const text = `${where} lets nobody listen on ${name}; check AllowTcpForwarding, PermitListen and the key's options there`;
    return told('FORWARDING_REFUSED', text);
  }
  const whose = owner === me ? 'a process of this user, such as the session of a lost link' : `user ${owner}`;
  const look = listen.kind === 'tcp' ? `\`ss -ltnp 'sport = :${listen.port}'\`` : '`ss -lxp`';
  const stop =
    owner === me
      ? `stop it (${look} there shows it; ClientAliveInterval has sshd end dead sessions)`
      : 'have it stopped';
  return told(
    'LISTEN_TAKEN',
    `${name} is taken on ${where} by ${whose}; ${stop}, or choose another \`listen\`; it is tried again every 2 s`,
  );
}

/** Prints the own uid, then the uid of each listener of the port (proc_pid_net(5)). */
function lookAtPort(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return `[ -r /proc/net/tcp ] || exit 1
id -u
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -E ':${hex} 0+:0000 0A ' | while read -r _ _ _ _ _ _ _ uid _; do echo "$uid"; done
exit 0
`;
}

/**
 * Prints the own uid, then that of the socket file. One of this user where nobody listens is what a dead session left, which sshd does not
 * replace (sshd_config(5): StreamLocalBindUnlink): it is removed, and the next try takes its place.
 */
function lookAtPath(path: string): string {
  return `p=${quoteForShell(path)}
[ -r /proc/net/unix ] || exit 1
id -u
[ -e "$p" ] || exit 0
if [ -O "$p" ]; then
  if [ -S "$p" ] && ! cut -d ' ' -f 8- /proc/net/unix | grep -qxF "$p"; then rm -f "$p"; fi
  id -u
else
  echo another
fi
exit 0
`;
}
