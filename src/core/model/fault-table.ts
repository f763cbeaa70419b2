/**
 * How soon a failed attempt is repeated.
 * - `soon`: leaves no trace in sshd's auth log; quick steps, capped at 1.5 s, at once when a client waits.
 * - `stage`: a stage before the server's greeting ran out of time, of 5 s each; quick steps, short ones for half a minute, capped at 5 s.
 * - `command`: a ProxyCommand that may have logged in somewhere ended by itself; 1, 2, 5, 10, 15, then every 30 s, whoever asks.
 * - `busy`: the server spoke, and the handshake was closed or ran out of time before authentication was over, which is a line in sshd's log; 1, 5,
 *   30, 120, 300 s, and at most 4 tries in 10 min, whoever asks.
 * - `refused`: the credentials were rejected; blocked, one try each 20 min, at once when a key, the agent or the config changes, and at most
 *   3 an hour with the same credentials, whoever asks.
 * - `never`: blocked until a file changes or the user says so.
 * - `crash`: blocked, tried again each 60 s.
 * - `absent`: a program is not there; blocked, tried again each 60 s, at once when the config changes or the program appears.
 * - `policy`: that forward is rechecked each 60 s; when no forward can work, or the host is a jump host, by a new link.
 * - `launch`: the backend did not come up: five tries over one link after 1, 2, 4, 8 s, then tried again each 5 min over the same link. The
 *   relay is degraded for so long, or blocked where every forward leads to the backend.
 * - `forward`: the link stays; the thing itself is tried again (listener 2 s, target and probe by their own clock).
 * - `none`: nothing to repeat; it was the answer to one request or one connection.
 */
export type RetryClass =
  | 'soon'
  | 'stage'
  | 'command'
  | 'busy'
  | 'refused'
  | 'never'
  | 'crash'
  | 'absent'
  | 'policy'
  | 'launch'
  | 'forward'
  | 'none';

/** One row of the fault table. */
export interface FaultEntry {
  readonly retry: RetryClass;
  /** Exit code of a command that ends with this fault (sysexits(3)). */
  readonly exit: number;
  /** HTTP status with which the control API answers it. */
  readonly http: number;
  readonly means: string;
  readonly todo: string;
}

const row = (retry: RetryClass, exit: number, http: number, means: string, todo: string): FaultEntry => ({
  retry,
  exit,
  http,
  means,
  todo,
});

/** Every fault that a user can meet. The codes are public: scripts match on them. */
// biome-ignore format: a table is read by its columns
export const faults = {
  USAGE:                  row('none',    64, 400, 'the command line or the request is not understood', 'see `towline --help`'),
  CONFIG_MISSING:         row('none',    78, 404, 'no config file was found', 'make one with `towline add`, or name one with --config'),
  CONFIG_INVALID:         row('none',    78, 400, 'the config file has problems; each is listed with file:line:column', 'mend the named lines, then `towline check`'),
  CONFIG_UNREADABLE:      row('none',    78, 400, 'the config file cannot be read or is too large', 'check its path, size and permissions'),
  CONFIG_UNSAFE:          row('none',    78, 400, 'the config file can be written by others', '`chmod go-w` the file and its folder'),
  CONFIG_UNWRITABLE:      row('none',    73, 409, 'the config file cannot be written, or was changed meanwhile', 'check the permissions and the space of its folder, then run the command again'),
  ALREADY_RUNNING:        row('none',    75, 409, 'a towline daemon of this user runs already', '`towline status`, or `towline down` first'),
  NOT_RUNNING:            row('none',    69, 503, 'no towline daemon of this user runs', '`towline up --detach`'),
  RELAY_UNKNOWN:          row('none',    66, 404, 'no relay has that name', '`towline status` lists the names'),
  RUNTIME_UNSAFE:         row('none',    73, 500, 'the runtime or state folder cannot be used safely', 'make it yours with mode 0700, or name another in TOWLINE_RUNTIME_DIR'),
  HOST_INVALID:           row('never',   78, 400, 'a host, user or port has characters that must not reach ssh', 'correct the name in the config or ssh_config'),
  SSH_CONFIG_INVALID:     row('never',   78, 400, 'ssh_config cannot be read, or has a line that ssh would refuse or towline cannot honour', 'correct the named line'),
  NAME_NOT_FOUND:         row('soon',    68, 502, 'the host name does not resolve', 'check HostName in ssh_config, and the network'),
  CONNECT_REFUSED:        row('soon',    69, 502, 'nothing listens on the SSH port', 'start sshd there, or correct the port'),
  CONNECT_FAILED:         row('soon',    69, 502, 'the host cannot be reached', 'check the network, VPN or firewall'),
  CONNECT_TIMEOUT:        row('stage',   69, 504, 'no answer to the TCP connect', 'check the address and the firewall'),
  GREETING_TIMEOUT:       row('stage',   69, 504, 'TCP connected but no SSH greeting came', 'check that sshd answers on this port'),
  KEX_TIMEOUT:            row('stage',   69, 504, 'the key exchange did not finish', 'large packets may be lost: check the MTU'),
  AUTH_TIMEOUT:           row('busy',    69, 504, 'authentication did not finish', 'look at the server\'s log'),
  PROXY_COMMAND_FAILED:   row('soon',    69, 502, 'the ProxyCommand ended, or could not be run', 'run it by hand; correct it in ssh_config'),
  PROXY_COMMAND_MISSING:  row('absent',  69, 502, 'the program of the ProxyCommand is not there or may not be run', 'install it, or correct ProxyCommand in ssh_config'),
  CLOSED_EARLY:           row('soon',    69, 502, 'the connection closed before the server said a word', 'a port proxy may have nothing behind it'),
  SERVER_BUSY:            row('busy',    69, 502, 'the server closed the connection before authentication', 'it may be busy (MaxStartups) or blocking this address; towline slows down by itself'),
  LOGINS_SPENT:           row('busy',    75, 503, 'so many logins from here have failed at the host that one more could have this address banned', 'wait until the time that is named, and mend meanwhile what the last one failed with'),
  ALGORITHM_MISMATCH:     row('never',   76, 502, 'client and server share no algorithm', 'update the server, or allow the old algorithm for this host'),
  STRICT_KEX_MISSING:     row('never',   76, 502, 'the cipher that was agreed on is unsafe without strict key exchange (CVE-2023-48795)', 'update the server, or let it offer aes128-gcm@openssh.com'),
  HANDSHAKE_FAILED:       row('busy',    76, 502, 'the handshake broke off, or the server did not sign with the host key that arrived', 'check what listens on this port, and whether something alters the traffic'),
  PROTOCOL_ERROR:         row('never',   76, 502, 'the server broke the SSH protocol', 'check what listens on this port'),
  INTEGRITY_FAILED:       row('soon',    76, 502, 'data from the server failed its integrity check', 'something alters the traffic'),
  HOST_KEY_UNKNOWN:       row('never',   76, 502, 'the host key is in no known_hosts file', 'compare the fingerprint, and accept it: `towline trust HOST`'),
  HOST_KEY_CHANGED:       row('never',   76, 502, 'the host key differs from the one in known_hosts', 'verify the new fingerprint, then run the `ssh-keygen -R` that is printed'),
  HOST_KEY_REVOKED:       row('never',   76, 502, 'the host key is marked @revoked in known_hosts, or stands in RevokedHostKeys', 'ask the host\'s administrator'),
  HOST_KEY_UNVERIFIABLE:  row('never',   76, 502, 'the host is trusted only through a certificate authority', 'add the host\'s own key: `towline trust HOST`'),
  HOST_KEY_WEAK:          row('never',   76, 502, 'the RSA host key is smaller than RequiredRSASize', 'give the server a larger host key'),
  KNOWN_HOSTS_UNREADABLE: row('never',   76, 502, 'a known_hosts or RevokedHostKeys file cannot be read', 'check its permissions'),
  KNOWN_HOSTS_UNWRITABLE: row('never',   73, 502, 'a new host key cannot be written to known_hosts', 'check its permissions, or name another UserKnownHostsFile'),
  KNOWN_HOSTS_UNSAFE:     row('never',   73, 502, 'the known_hosts file to write to is another user\'s symlink, or no regular file', 'look at who made it, then remove it'),
  AUTH_REJECTED:          row('refused', 77, 502, 'the server accepted none of the offered identities', 'add the public key to authorized_keys there, or name another IdentityFile'),
  AUTH_TOO_MANY:          row('refused', 77, 502, 'the server gave up after too many offered identities', 'set IdentityFile and IdentitiesOnly yes for this host'),
  IDENTITY_UNREADABLE:    row('never',   77, 502, 'no identity could be read', 'check IdentityFile and its permissions'),
  AGENT_UNREACHABLE:      row('never',   77, 502, 'the ssh-agent does not answer', 'check SSH_AUTH_SOCK'),
  AGENT_REFUSED:          row('refused', 77, 502, 'the ssh-agent gave no signature', 'confirm in time, or look at the agent'),
  NEEDS_ANSWER:           row('never',   77, 502, 'a passphrase, password or other answer is needed', '`towline unlock` asks you for it'),
  PASSWORD_EXPIRED:       row('never',   77, 502, 'the server wants a new password before it lets anybody in', 'log in once with `ssh` and choose one'),
  LINK_LOST:              row('soon',    69, 502, 'the SSH connection ended', 'nothing; towline reconnects'),
  LINK_SILENT:            row('soon',    69, 504, 'the server stopped answering', 'nothing; towline reconnects'),
  LISTEN_TAKEN:           row('forward', 73, 409, 'the listening address is in use', 'stop what is named, or choose another port; towline takes it when it is free'),
  LISTEN_DENIED:          row('forward', 77, 403, 'this user may not listen there', 'choose a port above 1023, or a folder that you own'),
  LISTEN_UNAVAILABLE:     row('forward', 73, 502, 'the listening address cannot be bound', 'use an address of this machine'),
  FORWARDING_REFUSED:     row('policy',  77, 502, 'the server forbids this forwarding', 'check AllowTcpForwarding, PermitOpen and the key\'s options there'),
  TARGET_REFUSED:         row('forward', 69, 502, 'nothing answers at the target', 'start the backend, or correct the target'),
  TARGET_LOOP:            row('none',    78, 508, 'the target of a forward is its own listener', 'give the forward another port to listen on'),
  SOCKS_INVALID:          row('none',    76, 400, 'a client of a dynamic forward does not speak SOCKS, or asks for what it does not offer', 'set it as a SOCKS 5 proxy with names resolved there (socks5h)'),
  CONNECTION_CUT:         row('none',    69, 502, 'the server closed a connection in the middle', 'look at the log there, and at gateways before it; sshd itself says the end before it closes, by ChannelTimeout too'),
  OPEN_TIMEOUT:           row('forward', 69, 504, 'the server did not open the channel in time', 'check that the target is reachable from the server'),
  PROBE_FAILED:           row('forward', 69, 502, 'the health check says no', 'look at the backend'),
  TOKEN_MISSING:          row('forward', 77, 502, 'the backend asks for a token', 'give the relay a token'),
  TOKEN_CHANGED:          row('forward', 77, 502, 'the same run of a backend has another token than before', 'get the new one; look at who changed it: `towline backend stop` ends that run, then a new one is started'),
  TOKEN_UNSAFE:           row('forward', 77, 400, 'a file that holds a token is not for its owner\'s eyes only, or cannot be read', '`chmod 600` it, and own it'),
  TOKEN_REFUSED:          row('forward', 77, 502, 'the backend refuses the token', 'set the right one: `towline token set RELAY`; one that was set by hand before counts until `towline token forget RELAY`'),
  BACKEND_FOREIGN:        row('launch',  77, 502, 'what listens on the port is not the backend that was launched', 'look at who listens there, or let the backend choose its port'),
  BACKEND_STOPPED:        row('never',   69, 503, 'the backend was stopped with `towline backend stop`', '`towline restart RELAY` starts it again'),
  BACKEND_UNREADY:        row('none',    69, 503, 'the backend of the relay is not ready, so that nobody knows its address', '`towline status RELAY` says how far it is'),
  LAUNCH_FAILED:          row('launch',  69, 502, 'the backend did not come up', 'look at its last lines; `towline backend logs` shows more'),
  LAUNCH_TIMEOUT:         row('launch',  69, 504, 'the backend was not ready in time', 'look at its last lines, or raise the deadline'),
  LAUNCH_PORT_TAKEN:      row('launch',  69, 502, 'the port of the backend is taken by another process', 'stop that, or let the backend choose its port'),
  REMOTE_REFUSED:         row('launch',  77, 502, 'the host runs no commands for this user', 'look at its login shell and at ForceCommand there'),
  REMOTE_FILE:            row('launch',  66, 502, 'a file on the host cannot be read or written', 'check its path and permissions there'),
  RELAY_STOPPED:          row('none',    69, 503, 'the relay, or the daemon, was stopped while a client waited', '`towline start` the relay'),
  HANDOVER_FAILED:        row('none',    69, 502, 'no worker took a client that was handed over', 'nothing; it may try again'),
  BROWSER_MISSING:        row('none',    69, 502, 'no browser could be started on this machine', 'paste the address into one: `towline url RELAY` shows it'),
  CLIPBOARD_MISSING:      row('none',    69, 502, 'nothing on this machine puts a text on the clipboard', 'install wl-copy, xclip or pbcopy, or have it printed by --print'),
  HOLD_EXPIRED:           row('none',    69, 504, 'a client waited longer than hold.time', 'nothing; it may try again'),
  HOLD_FULL:              row('none',    69, 503, 'too many clients wait', 'raise hold.connections'),
  CONNECTIONS_FULL:       row('none',    69, 503, 'too many connections are open', 'raise connections'),
  REQUEST_FORBIDDEN:      row('none',    77, 403, 'a request to the control API came from a web page or names another host', 'use the towline command'),
  ADMISSION_REFUSED:      row('none',    77, 403, 'a plugin refused the client', 'see the plugin\'s reason'),
  PLUGIN_FAILED:          row('never',   70, 500, 'a plugin cannot be loaded, threw, or gave no answer in time', 'mend the plugin, then restart the relay'),
  PLUGIN_UNTRUSTED:       row('never',   78, 400, 'a plugin\'s file can be written by others, or leads out of its package', '`chmod go-w` what is named, or own it'),
  PLUGIN_NOT_FOUND:       row('never',   78, 404, 'no plugin has that name or path', 'use a built-in name, an installed package, or a path beginning with ./ or /'),
  WORKER_CRASHING:        row('crash',   70, 500, 'a worker ends again and again', 'look at `towline logs`; it is tried again each minute'),
  WORKER_FAILED:          row('none',    70, 500, 'a worker ended or could not be started', 'nothing; it is restarted; if it comes back, look at the plugins'),
  WORKER_HUNG:            row('none',    70, 500, 'a worker stopped answering and was replaced', 'nothing; if it comes back, look at the plugins'),
  WORKER_BLOATED:         row('none',    70, 500, 'a worker used more memory than allowed and was replaced', 'raise memory, or look for stalled clients'),
  INTERNAL:               row('crash',   70, 500, 'a bug in towline', 'please report it with the log'),
} satisfies Record<string, FaultEntry>;

/** The name of a fault. */
export type FaultCode = keyof typeof faults;
