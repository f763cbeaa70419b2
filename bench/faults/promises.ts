import type { Results } from './results.ts';
import { show } from './row.ts';

/** What is promised of one figure, and where that is found; without a figure, the test or page that shows it. */
interface Promised {
  readonly measure: string;
  readonly target: string;
  /** ms, or a count; null: it was not measured. */
  readonly got: ((results: Results) => number | null) | string;
  readonly most?: number;
  /** How a count is shown. */
  readonly unit?: string;
  /** Why it is not met, where it is not. */
  readonly why?: string;
}

/** A figure that a fault test printed: the number behind `name=` in the line of the row that matches. */
function proof(row: string, name: string, line = /^/): (results: Results) => number | null {
  return ({ proofs }) => {
    const found = proofs?.figures[row]?.find((one) => line.test(one)) ?? '';
    const [, value, unit] = new RegExp(`(?:^| )${name}=([\\d.]+)(ms|s|MiB)?(?: |$)`).exec(found) ?? [];
    return value === undefined ? null : Number(value) * (unit === 's' ? 1_000 : 1);
  };
}

/** When towline reset the connection that was open, noticed the fault, or served again, in a row of the table. */
function met(row: string, what: 'reset' | 'noticed' | 'back'): (results: Results) => number | null {
  return ({ rows }) => {
    const seen = rows[row]?.seen.towline;
    if (seen === undefined || 'text' in seen) return null;
    if (what === 'noticed') return seen.noticed;
    const { back } = seen.newcomers;
    return what === 'reset' ? seen.open.after : typeof back === 'number' ? back : null;
  };
}

const page = '[the benchmark](../bench/results.md)';

const promises: readonly Promised[] = [
  { measure: 'a dead peer, nobody waits', target: '21 s', got: met('F07', 'reset'), most: 21_000 },
  {
    measure: 'the same, keepalive 1 s x 3',
    target: '4.2 s',
    got: proof('F07', 'detect', /keepalive=1sx3/),
    most: 4_200,
  },
  { measure: 'a dead peer, a client waits', target: '5 s', got: met('F03b', 'noticed'), most: 5_000 },
  { measure: 'a killed session, until served', target: '300 ms', got: proof('F01', 'serve'), most: 300 },
  {
    measure: 'sshd back after 5 s down, until served',
    target: '2.2 s',
    got: proof('F05', 'recover', /=5s/),
    most: 2_200,
  },
  { measure: 'the same after 30 s', target: '2.2 s', got: proof('F05', 'recover', /=30s/), most: 2_200 },
  { measure: 'the same after 10 min', target: '2.2 s', got: met('F05c', 'back'), most: 2_200 },
  {
    measure: 'a wake, until it is known',
    target: '1 s',
    got: '`core/worker/wake`: the clocks are compared each second',
  },
  { measure: 'a wake, link alive: until served', target: '1 s', got: proof('F25', 'slowest'), most: 1_000 },
  {
    measure: 'links lost in 10 sleeps (50 in `test:long`)',
    target: '0',
    got: proof('F25', 'lost', /nights=10/),
    most: 0,
    unit: '',
  },
  {
    measure: 'a wake, link dead, network back: until served',
    target: '3 s',
    got: proof('F27', 'serve', /forgotten=yes/),
    most: 3_000,
  },
  { measure: 'of 200 clients in an outage, refused', target: '0', got: proof('F66', 'failed'), most: 0, unit: '' },
  {
    measure: "curl's exit code when the link dies under an upload (under a download: `e2e/killed`)",
    target: 'not 0',
    got: proof('F67', 'exit'),
    unit: '',
  },
  { measure: 'latency over loopback', target: '0.5 ms p50, 2 ms p99', got: page },
  {
    measure: '3,000 connects at once, failed',
    target: '0',
    got: proof('F63', 'failed', /clients=3000/),
    most: 0,
    unit: '',
  },
  {
    measure: 'the same, until all are served',
    target: '1.5 s',
    got: proof('F63', 'took'),
    most: 1_500,
    why: 'Each socket is handed to a worker by a message of its own, so that a worker may die without the port, and the anchor of this target is one process; what that costs was not measured apart.',
  },
  {
    measure: '200 readers that stall, memory of all processes',
    target: '256 MiB',
    got: proof('F62', 'cost', /stalled=200/),
    most: 256,
    unit: 'MiB',
  },
  { measure: 'the same, p99 of the others', target: '5 ms', got: proof('F62', 'others_p99', /stalled=200/), most: 5 },
  {
    measure: 'a new connection',
    target: '1 ms',
    got: `${page}, for a whole client who connects, asks and is answered; there it is missed`,
    why: 'One process accepts and another one serves, so that neither a crash nor a reload costs the port: what of the time that is was not measured apart.',
  },
  {
    measure: '3,000 connects at once, memory of the worker',
    target: '150 MiB',
    got: proof('F63', 'rss', /clients=3000/),
    most: 150,
    unit: 'MiB',
  },
  { measure: 'rekey each MB, 8 x 16 MB', target: '4 s', got: proof('F29', 'took'), most: 4_000 },
  { measure: '100 relays to one sshd, handshakes refused', target: '0', got: page },
  {
    measure: 'refused logins an hour with a bad key',
    target: '3',
    got: '`core/supervisor/login-budget`: three an hour, whoever asks',
  },
  {
    measure: 'SIGTERM with 200 streams',
    target: '10 s, a second one 100 ms',
    got: '`cli/ending.serial` holds the second one to 100 ms (median); `e2e/ending`, with a container beside, fails beyond 11.5 s and 0.5 s',
  },
  {
    measure: 'a worker that hangs, until it is found (F74 below: served within 7 s)',
    target: '7 s',
    got: met('F74', 'noticed'),
    most: 7_000,
  },
  {
    measure: 'what is left on the host after `kill -9`, `session`',
    target: 'nothing after 5 s',
    got: '`plugins/launch/session`, which fails beyond it',
  },
  {
    measure: 'pages of other sites, and names that are rebound to loopback (T33-T41)',
    target: 'all refused',
    got: '`control/server`, `e2e/control-faults`, which fail where one is let in; the control API has a Unix socket alone, which no browser opens, and serves no page',
  },
  {
    measure: 'a random fault every few seconds, for long',
    target: '6 h each night',
    got: 'three of 60 min with other seeds before a release (`npm run soak -- --minutes 60 --seed N`), 2 min in each CI',
    why: 'No machine stands by each night.',
  },
  {
    measure: "ssh-audit's client mode",
    target: 'no failure',
    got: 'the three ECDSA host keys fail, nothing else (ssh-audit 2.5.0)',
    why: 'They are offered as ssh does: were ECDSA offered to hosts alone that are known by it, the offer would tell who stands on the way which those are (CVE-2020-14145), and a host of RSA and ECDSA would show another key than to ssh.',
  },
  {
    measure: '`systemd-analyze security`',
    target: '3.0',
    got: '**9.8**, for the unit of [the config page](config.md) (`--offline`, systemd 252)',
    why: "It hardens nothing. Each key may keep a ProxyCommand, an agent's socket, a password manager or a plugin from working, which then fails on a user's machine only: no systemd runs where the tests do, so that none could be tried.",
  },
];

/** Draws what is promised in figures, with what was measured and why where it is not met. Pure. */
export function drawPromises(results: Results): string {
  const lines = promises.map(({ measure, target, got, most, unit, why }) => {
    if (typeof got === 'string') return `| ${measure} | ${target} | ${got}${why === undefined ? '' : `. ${why}`} |`;
    const figure = got(results);
    if (figure === null) return `| ${measure} | ${target} | not measured |`;
    const shown = unit === undefined ? show(figure) : `${figure} ${unit}`.trim();
    const failed = most !== undefined && figure > most;
    return `| ${measure} | ${target} | ${failed ? `**${shown}**: ${why ?? 'cause not known'}` : shown} |`;
  });
  return `## What is promised in figures

From the tables here, at most where nothing else is said; in bold what is missed, with the cause.

| | promised | measured |
|---|---|---|
${lines.join('\n')}`;
}
