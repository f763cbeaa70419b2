import { posix } from 'node:path';
import { type Endpoint, formatEndpoint, isLoopback } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import type { RemoteHost } from '../../model/remote.ts';
import { quoteForShell } from '../../model/shell-quote.ts';

/** What a server does not say: why it would not listen. A look at its host tells, where commands may be run; else the fault stays as it is. */
export async function explainRefusal(host: RemoteHost, where: string, listen: Endpoint, fault: Fault): Promise<Fault> {
  // Where it said nothing at all there is nothing to explain.
  if (fault.code !== 'LISTEN_UNAVAILABLE' || 'within' in fault.detail) return fault;
  const name = formatEndpoint(listen);
  const found = await host.run(listen.kind === 'tcp' ? lookAtPort(listen) : lookAtPath(listen.path)).catch(() => null);
  if (found?.code !== 0) return fault;
  const [me = '', owner] = found.stdout.trim().split('\n');
  const told = (code: 'LISTEN_TAKEN' | 'LISTEN_UNAVAILABLE' | 'FORWARDING_REFUSED', text: string) =>
    new Fault(code, text, { detail: { listen: name } });
  const lacking = lackingOf(where, listen, me, owner);
  if (lacking !== null) return told('LISTEN_UNAVAILABLE', `${lacking}; it is tried again every 2 s`);
  if (listen.kind === 'unix' && owner !== undefined) {
    const there = thereOf(where, listen.path, me, owner);
    if (there !== null) return told('LISTEN_TAKEN', `${there}; it is tried again every 2 s`);
  }
  if (owner === undefined) {
    const rules = listen.kind === 'tcp' ? 'AllowTcpForwarding, PermitListen' : 'AllowStreamLocalForwarding';
    const text = `${where} lets nobody listen on ${name}; check ${rules} and the key's options there`;
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

/** Why that host could not listen there, whatever its policy is: then it says no word about that. Null: it could. */
function lackingOf(where: string, listen: Endpoint, me: string, found: string | undefined): string | null {
  if (listen.kind === 'unix') {
    const folder = posix.dirname(listen.path);
    const mend = 'or choose another path in `listen`';
    if (found === lack.folder) return `${where} has no folder ${folder} that this user can see; make it there, ${mend}`;
    if (found === lack.right) return `this user cannot write to ${folder} of ${where}; let it there, ${mend}`;
    return null;
  }
  if (found !== undefined && found !== lack.family) return null;
  const { host, port } = listen;
  const rules = 'or see what PermitListen in its sshd_config allows';
  if (port > 0 && port < 1_024 && me !== '0')
    return `${where} does not listen on port ${port}, and most hosts let only root do so below 1024; choose one from 1024 on in \`listen\`, ${rules}`;
  if (found === undefined && (isLoopback(host) || host === '0.0.0.0' || host === '::')) return null;
  return `${where} does not listen on ${host}, which is probably no address of it; choose one that \`ip addr\` shows there, ${rules}`;
}

/** What stands at a path where no process of this user listens. Null: one does. */
function thereOf(where: string, path: string, me: string, found: string): string | null {
  const from = 'a leftover of a program that is gone, such as the session of a lost link';
  const choose = 'or choose another `listen`';
  switch (found) {
    case me:
      return null;
    case there.left:
      return `a socket file was at ${path} on ${where} already, and no process listened on it: ${from}; it was removed`;
    case there.stays:
      return `a socket file is at ${path} on ${where} already, and no process listens on it: ${from}; remove it, ${choose}`;
    case there.file:
      return `a file that is no socket is at ${path} on ${where} already; remove it, ${choose}`;
    default:
      return `a file of another user is at ${path} on ${where} already, perhaps a leftover; have it removed, ${choose}`;
  }
}

/** What a look at a path prints of a file of this user. */
const there = { left: 'left', stays: 'stays', file: 'file' };

/** What the looks print beside uids. */
const lack = { folder: 'no folder', right: 'no right', family: 'no IPv6' };

/** Prints the own uid, then the uid of each listener of the port (proc_pid_net(5)). */
function lookAtPort({ host, port }: Extract<Endpoint, { kind: 'tcp' }>): string {
  const family = host.includes(':') ? `grep -q . /proc/net/if_inet6 2>/dev/null || echo '${lack.family}'` : '';
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return `[ -r /proc/net/tcp ] || exit 1
id -u
${family}
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -E ':${hex} 0+:0000 0A ' | while read -r _ _ _ _ _ _ _ uid _; do echo "$uid"; done
exit 0
`;
}

/**
 * Prints the own uid, then that of who listens there, or what else stands there, or why nothing can. One of this user where nobody listens is what a dead session
 * left, which sshd does not replace (sshd_config(5): StreamLocalBindUnlink): it is removed, and the next try takes its place. `sockets`: where
 * the host's kernel shows them, with an inode of at least five places and a path that may have blanks in it, also at its ends.
 */
export function lookAtPath(path: string, sockets = '/proc/net/unix'): string {
  return `p=${quoteForShell(path)}
d=${quoteForShell(posix.dirname(path))}
[ -r ${sockets} ] || exit 1
id -u
if [ ! -e "$p" ]; then
  if [ ! -d "$d" ]; then echo '${lack.folder}'
  elif [ ! -w "$d" ] || [ ! -x "$d" ]; then echo '${lack.right}'
  fi
  exit 0
fi
if [ -O "$p" ]; then
  if [ ! -S "$p" ]; then echo '${there.file}'
  elif ! sed -n 's/^\\([^ ]* \\)\\{6\\} *[0-9]* //p' ${sockets} | grep -qxF "$p"; then
    rm -f "$p" 2>/dev/null
    if [ -e "$p" ]; then echo '${there.stays}'; else echo '${there.left}'; fi
  else id -u
  fi
else
  echo another
fi
exit 0
`;
}
