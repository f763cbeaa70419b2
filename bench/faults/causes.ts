/** Causes that several rows have in common; each names the setting or the rule, so that a reader can judge it. */

/** Of `open`: a link that is silent is given up. */
export const givenUp =
  'A link that was silent for 20 s is given up (keepalive 5 s x 3), as by autossh; plain ssh asks nobody, keeps it as long as TCP does, and would keep one that stays dead.';

/** Of `failed`: who waits is told in time. */
export const heldFor10s =
  'Who comes is held for 10 s (`hold.time`) and then reset, so that he knows; plain ssh lets him wait in a link that it has not given up, for ever where it stays dead. Raise `hold.time` for clients that rather wait.';

/** Of `back`: a dial into silence. */
export const dialedAnew =
  'A dial into silence is broken off after 5 s and made anew after 0.25 s, later up to 5 s; ssh has no deadline there: its one dial stands, and goes on where it happens to be kept alive.';

/** Of `back`, and of `failed` while it rests: a server that has spoken and cut. */
export const leftAlone =
  'A server that speaks and then cuts is asked again after 1, 5, 30 s, and four times in ten minutes: each such try is a line in its log, and fail2ban bans at the fifth. Who comes during a rest waits for `hold.time`.';

/** Of `took`: a connection goes through two processes. */
export const handedOver =
  'The port is bound by one process and served by another, so that it outlives what crashes: a connection is handed over, which costs some milliseconds where many come.';

/** Of `back`: packets that were lost in a handshake. */
export const sentAgain =
  'A handshake whose packet was lost goes on when TCP sends it again, which it does ever more seldom; ours is broken off after 10 s and begun anew, so that it takes some 3.5 s at most, which may be more than another one happens to wait.';

/** Of `open`: a worker that hangs. */
export const replaced =
  'A worker that answers nothing for 5 s is replaced, since nobody knows whether it ever would; an ssh that hangs is waited for, which is well only where it goes on.';

/** Of `logins`: a link that the server ends because nobody uses it. */
export const madeAnew =
  'A link that ended is made anew without waiting for a client, ever more slowly where it does not last, so that each who comes finds one; autossh rests after a link that did not last, logged in less often, and two of seven found nobody.';

/** Of `memory`: what towline runs on. */
export const ownRuntime =
  'Node and ssh2 hold some 75 MiB before the first client comes, which ssh does not. What waits for clients who do not read is bounded for all together (64 MiB, and 0.25 MiB for each); ssh holds up to 2 MiB for each, however many come.';
