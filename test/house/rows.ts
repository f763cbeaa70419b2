/** A test file, and the names of those in it that show a row; `*` stands for what a template puts in. */
export type Shown = Readonly<Record<string, readonly string[]>>;

const SUPERVISOR = 'core/supervisor';
const LOGIN = 'core/ssh/login';
const KNOWN = 'core/ssh/known-hosts';
const RESOLVE = 'core/ssh/resolve';

/** Each row of the fault catalogue, parts 2b and 3a, that is about ssh: where it is shown what is refused, and what is said of it. */
export const rows: Readonly<Record<string, Shown>> = {
  // MaxStartups is full.
  F34: {
    [`${SUPERVISOR}/server-policy`]: [
      'a server whose places are all taken (MaxStartups) is busy by its own words, and asked again slowly',
    ],
    'core/model/step': [
      'a busy host is asked after 1, 5, 30 s, then no more than four times in ten minutes, whoever waits',
    ],
  },
  // MaxSessions.
  F35: {
    [`${SUPERVISOR}/server-policy`]: ['forwarding works where no session is allowed (MaxSessions 0), or only one'],
  },
  // Forwarding is forbidden.
  F36: {
    [`${SUPERVISOR}/server-policy`]: [
      'a server, or a key, that forbids forwarding says so by name, and the link stays',
    ],
    [`${SUPERVISOR}/refusals`]: [
      'a server that forbids forwarding blocks the relay and resets its clients, until a new link finds it changed',
    ],
  },
  // PermitOpen names another target.
  F37: {
    [`${SUPERVISOR}/server-policy`]: [
      'a server, or a key, that forbids forwarding says so by name, and the link stays',
    ],
    [`${SUPERVISOR}/refusals`]: ['one forward of two that is forbidden degrades, and the other one works'],
  },
  // The target is dead, or does not resolve there.
  F38: {
    [`${SUPERVISOR}/server-policy`]: [
      'a target that is down and one that does not resolve are told apart, and the link stays',
    ],
    [`${SUPERVISOR}/refusals`]: [
      'a backend that is down degrades the relay by name, resets its clients at once, and is noticed when it is back',
    ],
  },
  // The login shell runs nothing.
  F39: {
    'e2e/server-policy': ['whatever the login shell is, forwards work'],
    [`${SUPERVISOR}/server-policy`]: ['a forced command harms no forward'],
  },
  // LoginGraceTime.
  F40: {
    [`${SUPERVISOR}/server-policy`]: [
      'a server that does not wait for a slow agent (LoginGraceTime) is told by when it left',
    ],
    'e2e/unlock': ['a server that does not wait long enough is named, and the relay waits for the next unlock'],
  },
  // ChannelTimeout, UnusedConnectionTimeout.
  F41: {
    [`${SUPERVISOR}/server-policy`]: [
      'a connection that the server ends for being idle (ChannelTimeout) ends for its client, and the link stays',
      'a server that ends unused links (UnusedConnectionTimeout) is not stormed, and serves whoever comes',
      'links that end again and again before they settle come ever more seldom, and at once for a client, where the one before was served',
    ],
  },
  // ClientAliveInterval while we are frozen.
  F42: {
    [`${SUPERVISOR}/server-policy`]: [
      'a server that gave us up while we were frozen (ClientAliveInterval) is back within a second of the wake',
    ],
  },
  // PerSourcePenalties.
  F43: {
    'e2e/server-policy': [
      'eight relays with a wrong key cost the relay with the right one nothing (PerSourcePenalties)',
      'a server that penalises us says so, and is asked more and more slowly until it is over',
    ],
  },
  // fail2ban.
  F44: {
    [`${SUPERVISOR}/server-policy`]: [
      'a ban that rejects looks like a closed port, and the relay is back when it is over',
    ],
    [`${SUPERVISOR}/permits`]: [
      'refused credentials are not tried again by any relay, unless a file changed or the user asked',
      'four failures of a busy host, whichever relays met them, end the tries of all for ten minutes',
      'whoever asks, four handshakes that a busy host turned away are all in ten minutes',
    ],
    [`${SUPERVISOR}/login-budget`]: [
      'a bad key is refused three times in an hour, though it is asked for each two seconds',
      'keys that change all the time, and are all bad, fail four times in any ten minutes',
      'a key exchange that never ends, as where large packets are lost, is given up four times in any ten minutes',
      'a relay that is restarted in a loop with a bad key, or a key file that is rewritten, stays within the budget and says so',
    ],
    'core/model/step': [
      'in no ten minutes is a busy host asked a fifth time, however the jitter falls',
      'refused credentials block for 20 minutes, a changed file ends it at once',
      'a ProxyCommand that ends as an ssh whose login failed is run after 1, 2, 5, 10, 15 and then every 30 s',
    ],
  },
  // The host key has changed.
  F45: {
    [`${SUPERVISOR}/refusals`]: [
      'a swapped host key blocks at once, resets who waits, and ends by itself when known_hosts is mended',
      'a host that swapped its key for one of another type is a changed host',
    ],
    [`${KNOWN}/host-key`]: [
      'a changed key: both fingerprints, each place, and commands that really remove the old ones',
    ],
    [`${KNOWN}/swapped-key`]: [
      'a host key that a bit was flipped in on the way is no changed key: its host did not sign with it',
    ],
    'e2e/host-key': ['the way out of a swapped key that is printed is one: remove, look, trust, and the relay goes on'],
  },
  // @revoked, @cert-authority.
  F46: {
    [`${SUPERVISOR}/refusals`]: ['a revoked, an unknown and an unreadable host key fail closed'],
    [`${SUPERVISOR}/host-settings`]: [
      'a key of RevokedHostKeys is refused with its line, and the relay goes on when it stands there no more',
    ],
    [`${KNOWN}/host-key`]: [
      'a host with a certificate: only through its authority it is refused, and its own key does as with ssh',
    ],
  },
  // Graceful rotation of host keys.
  F47: {
    [`${KNOWN}/host-key`]: [
      'the other keys that a server speaks of are neither asked about nor written, and serve after a rotation',
    ],
  },
  // Whatever known_hosts may look like.
  F48: {
    [`${SUPERVISOR}/refusals`]: ['a revoked, an unknown and an unreadable host key fail closed'],
    [`${KNOWN}/known-hosts`]: [
      'a known_hosts file that cannot be read fails closed',
      'malformed lines are named, and not more than a few of them',
      'ten thousand hashed lines are searched in the blink of an eye',
      'a file that is being rewritten never fails its readers, nor makes a key a changed one',
    ],
    [`${KNOWN}/known-hosts-file`]: ['a last line without newline is not joined with the new one'],
    [`${KNOWN}/many-lines.serial`]: [
      'a million lines, hashed ones too, are searched for a host, and nothing else waits for that',
    ],
  },
  // The key was removed from the server.
  F49: {
    [`${SUPERVISOR}/identities`]: [
      'keys that are refused are all named and tried once; a change of the agent or of ssh_config is tried at once',
    ],
    [`${SUPERVISOR}/refusals`]: [
      'a rejected key blocks, one try only, and a new key in the file ends it',
      'eight relays with one bad key try it once, all say so, and all go on when it is let in',
    ],
  },
  // Key files of no use.
  F50: {
    [`${SUPERVISOR}/identities`]: [
      'a key file that is of no use is named with its cure, nothing waits for it, and a good one in its place is taken',
    ],
    'core/ssh/identity/identity': ['a file that cannot be used is named with the reason, and the others are used'],
  },
  // The agent is gone, silent, full, or asks its user.
  F51: {
    [`${SUPERVISOR}/identities`]: [
      'an agent that is gone, or silent, is named within its deadline, and the relay goes on when it is there',
      'a key that its agent must confirm: who declines is named and not asked again, who agrees is let in',
    ],
    [`${SUPERVISOR}/refusals`]: [
      'an agent with nine keys and no IdentitiesOnly: the fault lists what was offered',
      'an agent whose user takes his time is waited for, and one that refuses is named',
    ],
  },
  // Prompts.
  F52: {
    [`${SUPERVISOR}/identities`]: [
      'whatever a server asks, nobody is waited for: the login ends, and the relay says what is wanted',
      'a password that has expired ends the login by name, and is not tried again by itself',
    ],
    [`${SUPERVISOR}/asking`]: ['logins that wait for a person keep no other relay from the same host'],
    'e2e/unlock': [
      'a password by a pipe: blocked, unlocked, connected, and again after the worker was killed',
      'a password that has expired is told by what the server asks next, and may be changed by unlock',
    ],
  },
  // Hosts, users and ports that must not reach ssh.
  T01: hostile(),
  T02: hostile(),
  T03: hostile(),
  T04: hostile(),
  // The same by ssh_config.
  T05: {
    [`${RESOLVE}/resolve`]: ['what ssh would refuse, or we cannot honour, is refused with file and line'],
    [`${RESOLVE}/proxy-command`]: ['no hostile ssh_config reaches a shell: the canary is never made'],
  },
  // ProxyCommand.
  T06: {
    [`${RESOLVE}/proxy-command`]: [
      'a host or user that a shell could obey is refused before there is a command',
      'what is let through reaches every shell as it is',
    ],
    [`${SUPERVISOR}/proxied`]: [
      'a relay goes through its ProxyCommand: it is told, its death is named, it recovers, and nothing is left of it',
    ],
  },
  // Other commands of ssh_config.
  T07: {
    [`${RESOLVE}/resolve`]: [
      "Match exec runs where ssh would run it, with the user's shell and environment",
      'no command is run for a name that a shell could mistake',
      'no command is run from a file that others may write',
    ],
    [`${SUPERVISOR}/host-settings`]: [
      'Match exec is asked anew for each attempt of a relay, in the environment of the daemon',
    ],
    [`${SUPERVISOR}/proxied`]: ['LocalCommand, KnownHostsCommand and RemoteCommand run nowhere for a relay'],
    'cli/explain': ['explain names what runs or is given away by ssh and not by a relay, with its place'],
  },
  // Unknown tokens and unset variables.
  T08: {
    [`${RESOLVE}/resolve`]: [
      'what ssh would refuse, or we cannot honour, is refused with file and line',
      'ssh refuses the same values',
    ],
  },
  // Quoting.
  T09: {
    'core/model/shell-quote': [
      '10,000 random arguments come through * as they are',
      'what no command line can carry is refused',
    ],
  },
  // The path of an agent.
  T10: {
    'core/ssh/identity/identity': [
      'an agent that misbehaves is a note beside files and a fault without them',
      'an agent of another user is not asked, whoever may reach its socket',
    ],
  },
  // The agent is not forwarded.
  T11: {
    [`${SUPERVISOR}/host-settings`]: [
      'ForwardAgent yes forwards no agent: the server is not asked, though there is a session and an agent',
    ],
    'core/ssh/rogue': ['channels that nobody asked for are refused, counted and told once, and the link lives'],
    'cli/explain': ['explain names what runs or is given away by ssh and not by a relay, with its place'],
  },
  // Host key checking cannot be switched off.
  T12: {
    'e2e/bad-input': ['bad input gets a sentence, a code and the right exit code, and starts nothing'],
    [`${SUPERVISOR}/host-settings`]: [
      'StrictHostKeyChecking no counts as accept-new with a warning, and a changed key is refused all the same',
      'NoHostAuthenticationForLocalhost and CheckHostIP play no part: a key is asked for by name, and always',
    ],
  },
  // A changed host key has an exit code of its own.
  T13: { 'e2e/host-key': ['a swapped host key blocks, says both fingerprints, and is an exit code'] },
  // Outdated algorithms.
  T14: {
    [`${LOGIN}/algorithms`]: [
      'a server with nothing but * is refused by name, and let in with a warning where * allows it',
      'of several outdated ones the best is what a user is told to allow',
    ],
  },
  // Terrapin.
  T15: {
    [`${LOGIN}/injected`]: [
      'chacha20, or CBC with etm, without strict key exchange ends before anybody logs in',
      'a server without strict key exchange is used with a cipher that does not need it, and the lack is told',
    ],
    'e2e/other-servers': ['a tinyssh from before strict key exchange is refused by name: it has chacha20 only'],
  },
  // Messages before their time.
  T16: { [`${LOGIN}/injected`]: ['* ends the handshake at once'] },
  // A check that fails fails closed.
  T17: {
    [`${KNOWN}/host-key`]: ['what cannot be judged is refused'],
    [`${KNOWN}/known-hosts`]: ['a known_hosts file that cannot be read fails closed'],
    [`${SUPERVISOR}/refusals`]: ['a revoked, an unknown and an unreadable host key fail closed'],
  },
  // Floods.
  T18: {
    'core/ssh/rogue': [
      'a server that sends more than its window allows is cut off, and fills no memory',
      'a server that takes packets of no size is cut off before anything is written',
      'a server that asks by the thousand and takes no answer is cut off',
      'channels by the thousand that nobody asked for fill no memory',
      'a server that talks without end and answers nothing fills no memory, and nobody waits for it for ever',
      'a server that talks without end instead of letting anybody in is left after the deadline',
    ],
    [`${LOGIN}/injected`]: ['a greeting without an end is cut off, and what is none is called so'],
  },
  // Channels that a server opens.
  T19: { 'core/ssh/rogue': ['channels that nobody asked for are refused, counted and told once, and the link lives'] },
  // Text that acts on a terminal.
  T20: {
    [`${LOGIN}/injected`]: ['what a server says as it leaves is shown, not obeyed, and cut'],
    [`${LOGIN}/asked-login`]: ['what a server says is escaped and short'],
    [`${SUPERVISOR}/refusals`]: [
      'a server that talks and hangs up is asked after 1 and 5 s, not faster, and its words are escaped',
    ],
  },
  // Files that others can read or write.
  T26: {
    [`${SUPERVISOR}/refusals`]: ['a key that others can read is not used, and the sentence says how to mend it'],
    'e2e/bad-input': ['a config that others may write is refused'],
    'core/config/load': ['a file or folder of another user is refused'],
    [`${RESOLVE}/resolve`]: ['a config that others may write is refused, as ssh does'],
  },
  // Folders that others can write.
  T27: {
    'core/config/load': [
      'a file, its folder, and any folder up to home must not be writable by others',
      'a link is as safe as what it leads to',
    ],
  },
  // Links in the place of our files.
  T28: {
    'cli/private-files': [
      'a link that lies where the state is written is replaced, and what it leads to is left alone',
      'a link in the place of the state folder is refused, and nothing is started',
    ],
    'control/log': ['a symbolic link in the place of the log is not followed'],
  },
  // Born private.
  T29: {
    'cli/private-files': [
      'whatever towline makes is born private, whatever the umask, and nothing changes a mode afterwards',
    ],
    [`${KNOWN}/known-hosts-file`]: [
      'no file is made first and made private afterwards: the kernel saw the mode at birth',
    ],
  },
  // Keys that a host need not see.
  T77: { 'cli/shown-keys': ['doctor shows which keys of an agent a server was shown, and how it would see one only'] },
  // What known_hosts gives away.
  T78: {
    [`${LOGIN}/algorithms`]: [
      'a host whose best key is known is offered what a stranger is offered: nobody on the way can tell them apart',
    ],
    [`${SUPERVISOR}/host-settings`]: [
      'accept-new writes the key of a new host and serves; it is found by ssh, also hashed',
    ],
  },
};

/** Each way to log in, against a real server. */
export const logins: Readonly<Record<string, Shown>> = {
  'a plain key': { [`${LOGIN}/auth`]: ['a key file of each type logs in'] },
  'an encrypted key': {
    [`${LOGIN}/passphrases`]: ['an encrypted key in each form logs in, after one question'],
    [`${SUPERVISOR}/identities`]: [
      'an encrypted key is opened by the answer of a person, once, and serves after a loss without him',
    ],
  },
  'an agent': { [`${LOGIN}/auth`]: ['a key of the agent of each type logs in'] },
  'a certificate': {
    [`${LOGIN}/certificates`]: [
      'a sshd that takes only certificates lets each type of key in by one, and no plain key',
    ],
    [`${SUPERVISOR}/host-settings`]: [
      'a host that takes certificates only is reached by CertificateFile, and one that is over is named',
    ],
  },
  'a password': { 'e2e/unlock': ['wrong passwords are refused and not tried again; the next unlock asks anew'] },
  'two prompts': {
    'e2e/unlock': ['two factors are asked in one connection; the code is never sent twice, the password is kept'],
  },
  'three jump hosts': {
    [`${SUPERVISOR}/routes`]: ['three jump hosts and the host behind them have each another user, key and known_hosts'],
  },
  'a ProxyCommand': {
    [`${SUPERVISOR}/proxied`]: [
      'a relay goes through its ProxyCommand: it is told, its death is named, it recovers, and nothing is left of it',
    ],
  },
  'not to a host with another key': {
    [`${KNOWN}/swapped-key`]: [
      'a host whose key is not accepted gets its key exchange and a farewell: not one byte of a name, a key or a token',
    ],
    [`${SUPERVISOR}/asking`]: [
      'a host that is another one now gets nothing of what was told to the first, nor of what its clients send',
    ],
  },
};

function hostile(): Shown {
  return {
    'e2e/bad-input': [
      'every host that must not reach ssh is refused at its place, all of them at once, and nothing is run',
    ],
    [`${RESOLVE}/host-name`]: ['a host with anything that must not reach ssh is refused'],
  };
}
