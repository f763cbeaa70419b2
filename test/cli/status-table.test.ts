import { stripVTControlCharacters } from 'node:util';
import { test } from 'tap';
import { drawRelay } from '../../src/cli/relay-sheet.ts';
import { drawStatus } from '../../src/cli/status-table.ts';
import type { FaultReport } from '../../src/core/model/fault.ts';
import type { LaneSnapshot } from '../../src/core/model/snapshot.ts';
import type { RelayStatus } from '../../src/core/model/status.ts';
import { daemonStatus, forward, now, relayStatus, unreachable } from './statuses.ts';

const plain = { now, colour: false, columns: 100 };

const several = daemonStatus([
  relayStatus('dev-box', { reason: 'unverified' }, { forwards: [forward(8787, 80), forward(8788, 81)] }),
  relayStatus(
    'notebook',
    { word: 'reconnecting', reason: unreachable.message, fault: unreachable, until: now + 1_400 },
    { counters: { ...relayStatus('x').counters, open: 0, held: 2 }, since: now - 12_300 },
  ),
  relayStatus('postgres', { word: 'blocked', reason: unreachable.message, fault: unreachable }),
  relayStatus('spare', { word: 'offline', reason: 'stopped' }),
  relayStatus('new', { word: 'connecting', reason: 'tcp, attempt 2' }, { since: now - 10 }),
]);

test('a table of relays shows word, way, age and clients, and below what is not well', async (t) => {
  t.equal(
    drawStatus(several, plain),
    `towline 1.2.3, pid 7, up 1 h, /c/towline.json

RELAY     STATE                  FORWARD                           FOR         OPEN
dev-box   connected, unverified  127.0.0.1:8787 -> 127.0.0.1:80    4 min 10 s  3
                                 127.0.0.1:8788 -> 127.0.0.1:81
notebook  reconnecting           127.0.0.1:8787 -> 127.0.0.1:8787  12 s        0 (2 held)
          nothing listens at 10.0.0.7:22; start sshd there, or correct the port [CONNECT_REFUSED],
          next try in 2 s
postgres  blocked                127.0.0.1:8787 -> 127.0.0.1:8787  4 min 10 s  3
          nothing listens at 10.0.0.7:22; start sshd there, or correct the port [CONNECT_REFUSED]
spare     offline                127.0.0.1:8787 -> 127.0.0.1:8787  4 min 10 s  3
new       connecting             127.0.0.1:8787 -> 127.0.0.1:8787  0 s         3
          tcp, attempt 2
`,
  );
});

test('no line is wider than the terminal, nor than 160 columns', async (t) => {
  const long = relayStatus('a', { word: 'degraded', reason: 'why '.repeat(60) });
  const far = { ...forward(8787, 80), target: { kind: 'unix', path: `/run/${'deep/'.repeat(20)}x.sock` } } as const;
  const status = daemonStatus([...several.relays, { ...long, forwards: [far] }]);
  for (const columns of [80, 100, 200]) {
    const drawn = drawStatus(status, { ...plain, columns });
    const widest = Math.max(...drawn.split('\n').map((line) => line.length));
    t.ok(widest <= Math.min(columns, 160), `${widest} of ${columns}`);
    t.match(drawn, /x\.sock/);
    t.notMatch(drawn, '…', 'nothing is cut');
  }
});

test('a command in a reason stays whole, and so does each word', async (t) => {
  const message =
    'me@devbox.example.net:22 needs the passphrase for key /home/me/.ssh/id_ed25519; give it with `towline unlock dev-box` here';
  const blocked = relayStatus('dev-box', { word: 'blocked', reason: message });
  const drawn = drawStatus(daemonStatus([blocked]), { ...plain, columns: 80, colour: true });
  const lines = stripVTControlCharacters(drawn).split('\n').slice(4);
  t.strictSame(lines, [
    '         me@devbox.example.net:22 needs the passphrase for key',
    '         /home/me/.ssh/id_ed25519; give it with `towline unlock dev-box` here',
    '',
  ]);
});

test('the line above the table goes on below where the path of the config is long', async (t) => {
  const config = `/home/me/${'deep/'.repeat(8)}towline.json`;
  const drawn = drawStatus({ ...daemonStatus([]), config }, { ...plain, columns: 80 });
  t.match(drawn, `up 1 h,\n${config}\n\n`);
});

test('during an attempt the failure before it is still said, unless it is cured', async (t) => {
  const relay = (at: number) =>
    relayStatus('x', { word: 'reconnecting', reason: 'tcp, attempt 2' }, { lastFault: { ...unreachable, at } });
  const drawn = (at: number) => drawStatus(daemonStatus([relay(at)]), plain).replace(/\s+/g, ' ');
  t.match(drawn(now - 250_000), /tcp, attempt 2; before: nothing listens at .* \[CONNECT_REFUSED\] $/);
  t.match(drawn(now - 250_001), /tcp, attempt 2 $/);
});

test('on a narrow terminal a way breaks at its arrow', async (t) => {
  const drawn = drawStatus(daemonStatus([relayStatus('notebook', { reason: 'unverified' })]), {
    ...plain,
    columns: 70,
  });
  t.match(drawn, /127\.0\.0\.1:8787 +4 min 10 s +3\n +-> 127\.0\.0\.1:8787\n/);
});

test('colours change nothing but colours', async (t) => {
  const coloured = drawStatus(several, { ...plain, colour: true });
  t.not(coloured, stripVTControlCharacters(coloured));
  const words = (text: string) => text.replace(/\s+/g, ' ');
  t.equal(words(stripVTControlCharacters(coloured)), words(drawStatus(several, plain)));
});

test('a daemon without relays, and one that ends, say so', async (t) => {
  t.match(
    drawStatus({ ...daemonStatus([]), stopping: true }, plain),
    /up 1 h, stopping, .*\n\nthe config has no relays\n$/,
  );
});

test('warnings and the notes of plugins are counted apart', async (t) => {
  const said = (warnings: readonly string[], notes: readonly string[]) =>
    / {2,}(\d.*), see `towline status x`/.exec(
      drawStatus(daemonStatus([relayStatus('x', {}, { warnings, notes: { agents: notes } })]), plain),
    )?.[1];
  t.equal(said(['w'], []), '1 warning');
  t.equal(said([], ['n']), '1 note');
  t.equal(said(['w', 'w'], ['n']), '2 warnings and 1 note');
  t.equal(said(['w'], ['n', 'n']), '1 warning and 2 notes');
  t.equal(said([], []), undefined);
});

test('what others wrote cannot act on the terminal', async (t) => {
  const evil = { ...unreachable, message: 'a\u001b[2Jb' };
  const relay = relayStatus('x', { word: 'blocked', reason: evil.message, fault: evil }, { warnings: [evil.message] });
  for (const drawn of [drawStatus(daemonStatus([relay]), plain), drawRelay(relay, plain)]) {
    t.notOk(drawn.includes('\u001b'));
    t.match(drawn, /a\\x1b\[2Jb/);
  }
});

test('the sheet of one relay has every fact on a line of its own, broken where the terminal ends', async (t) => {
  const link = {
    remote: 'dev@10.0.0.7:22',
    route: ['bastion'],
    server: 'SSH-2.0-OpenSSH_9.2',
    hostKey: 'SHA256:abc',
    strict: true,
    detect: 20_000,
    took: 43,
  };
  const relay = relayStatus(
    'dev-box',
    {},
    {
      lanes: [
        {
          pid: 42,
          state: {
            at: 'up',
            since: now - 2 * 3_600_000,
            attempt: 1,
            tries: { of: 'none', count: 0, flaps: 0 },
            backing: null,
            beside: null,
            vain: [],
          },
          stage: null,
          staged: null,
          bringing: null,
          note: null,
          backend: null,
          machine: null,
          link,
          fault: null,
          until: null,
          judged: [],
        },
      ],
      recovery: { lostAt: null, count: 3, last: { at: now - 7_200_000, took: 312 } },
      lastFault: { ...unreachable, at: now - 65_000 },
      warnings: ['~/.ssh/config:3: Tunnel is not honoured yet'],
    },
  );
  t.equal(
    drawRelay(relay, { ...plain, columns: 80 }),
    `dev-box
  state         connected
  since         4 min 10 s (2027-01-15T07:55:50.000Z)
  recovered     3 times, the last time after 312 ms, 2 h ago
  host          devbox
  worker        pid 42
  link          dev@10.0.0.7:22 via bastion, made in 43 ms, up for 2 h
  server        SSH-2.0-OpenSSH_9.2, host key SHA256:abc
  key exchange  strict, not post-quantum
  silence       the link counts as dead after 20 s without a byte
  forward       127.0.0.1:8787 -> 127.0.0.1:8787 (well, 12 ms)
  connections   3 open, 0 held, 12 accepted, 1 refused (1 HOLD_EXPIRED)
  traffic       1.5 KiB sent, 20 MiB received
  last fault    nothing listens at 10.0.0.7:22; start sshd there, or correct the
                port [CONNECT_REFUSED], 1 min 5 s ago
  warning       ~/.ssh/config:3: Tunnel is not honoured yet
`,
  );
});

test('a relay whose backend is gone says when it is tried again, how to hurry that, and that what is known of it is old', async (t) => {
  const fault: FaultReport = { code: 'LAUNCH_FAILED', message: 'exit code 1', detail: {} };
  const tries = { of: 'never', count: 1, flaps: 0 } as const;
  const until = now + 300_000;
  const facts = { run: 'a', adopted: false, door: null, opens: null, says: 'pid 7' };
  const lane: RelayStatus['lanes'][number] = {
    pid: 1,
    state: {
      at: 'up',
      since: now,
      attempt: 1,
      tries,
      backing: { at: 'blocked', tries, until, fault },
      beside: null,
      vain: [],
    },
    stage: null,
    staged: null,
    bringing: null,
    note: null,
    link: { remote: 'me@h:22', route: [], server: 'SSH-2.0-x', hostKey: 'SHA256:x', strict: true, detect: 1, took: 1 },
    machine: null,
    backend: { ...facts, target: { kind: 'tcp', host: '127.0.0.1', port: 8787 } },
    fault: null,
    until: null,
    judged: [],
  };
  const relay = relayStatus('r', { word: 'degraded', reason: fault.message, fault, until }, { lanes: [lane] });
  const sheet = drawRelay(relay, { now, colour: false, columns: 200 });
  t.match(sheet, /reason +exit code 1 \[LAUNCH_FAILED\], next try in 5 min, or at once with `towline start r`/);
  t.match(sheet, /backend +127\.0\.0\.1:8787 there, pid 7, launched; gone, or not proved again yet/);
});

test('what a relay is blocked by is not told a second time as its last fault', async (t) => {
  const relay = relayStatus('x', { word: 'blocked', fault: unreachable }, { lastFault: { ...unreachable, at: now } });
  t.match(drawRelay(relay, plain), /\n {2}last fault +CONNECT_REFUSED, as above, 0 s ago\n/);
});

test('the sheet says why clients were refused, the most frequent reason first, and is silent where none was', async (t) => {
  const { counters } = relayStatus('x');
  const refusedBy = { HOLD_EXPIRED: 3, HOLD_FULL: 12 };
  const relay = relayStatus('x', {}, { counters: { ...counters, refused: 15, refusedBy } });
  t.match(drawRelay(relay, plain), /12 accepted, 15 refused \(12 HOLD_FULL, 3 HOLD_EXPIRED\)\n/);
  const none = relayStatus('x', {}, { counters: { ...counters, refused: 0, refusedBy: {} } });
  t.match(drawRelay(none, plain), /12 accepted, 0 refused\n/);
});

test('a forward that nothing probes is not called well', async (t) => {
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 1080 } as const;
  const socks = { ...forward(1080, 1), kind: 'dynamic', listen, target: null, probed: false } as const;
  const remote = { ...forward(1081, 2), kind: 'remote', probed: false } as const;
  const drawn = drawRelay(relayStatus('x', {}, { forwards: [socks, remote, forward(1, 2)] }), plain);
  t.match(drawn, /127\.0\.0\.1:1080 -> SOCKS \(bound, not probed/);
  t.match(drawn, /127\.0\.0\.1:1081.*\(bound, not/);
  t.match(drawn, /127\.0\.0\.1:1 -> 127\.0\.0\.1:2 \(well/);
});

test('a change of the config that waits tells of links, which the column of open connections does not count', async (t) => {
  const change = { fault: null, added: [], removed: [], changed: ['a', 'b'], ended: ['a', 'b'] };
  const drawn = (cuts: readonly string[]) =>
    drawStatus({ ...daemonStatus([]), pending: { ...change, cuts } }, { ...plain, columns: 160 }).replace(/\s+/g, ' ');
  t.match(drawn(['a']), 'it is not taken over, since a would lose its link: `towline reload` does it');
  t.match(drawn(['a', 'b']), 'it is not taken over, since a, b would lose their links: `towline reload` does it');
});

test('a forward that is not bound says so', async (t) => {
  const relay = relayStatus('x', {}, { forwards: [{ ...forward(1, 2), bound: false }] });
  t.match(drawRelay(relay, plain), /127\.0\.0\.1:1 -> 127\.0\.0\.1:2 \(not bound\)/);
});

test('each forward that is not well has its own reason, but for what is the reason of the relay', async (t) => {
  const other = { code: 'TARGET_REFUSED' as const, message: 'nothing is at /nope.sock', detail: {} };
  const unwell = (port: number, judgeFault: FaultReport) =>
    ({ ...forward(port, port), judgement: 'unwell', judgeFault }) as const;
  const taken = { ...forward(3, 3), bound: false, listenFault: { ...other, message: 'port 3 is taken' } };
  const forwards = [unwell(1, unreachable), unwell(2, other), taken];
  const standing = { word: 'degraded', reason: unreachable.message, fault: unreachable } as const;
  const drawn = drawRelay(relayStatus('x', standing, { forwards }), plain);
  t.match(drawn, /127\.0\.0\.1:1 -> 127\.0\.0\.1:1 \(unwell[^:]*\)\n/);
  t.match(drawn, /127\.0\.0\.1:2 -> 127\.0\.0\.1:2 \(unwell[^:]*\): nothing is at \/nope\.sock \[TARGET_REFUSED\]\n/);
  t.match(drawn, /127\.0\.0\.1:3 -> 127\.0\.0\.1:3 \(not bound\): port 3 is taken \[TARGET_REFUSED\]\n/);
});

test('the sheet of a relay that waits for a person says what he is to answer', async (t) => {
  const detail = { about: 'x', text: 'Duo login', prompts: '"Passcode:"' };
  const fault = { code: 'NEEDS_ANSWER' as const, message: 'box asks', detail };
  t.match(drawRelay(relayStatus('x', { word: 'blocked', fault }), plain), /waits for +"Passcode:" \(Duo login\)\n/);
  const silent = { ...fault, detail: { ...detail, text: 'keyboard-interactive login' } };
  t.match(drawRelay(relayStatus('x', { word: 'blocked', fault: silent }), plain), /waits for +"Passcode:"\n/);
  t.notMatch(drawRelay(relayStatus('x', { word: 'blocked', fault: unreachable }), plain), /waits for/);
});

test('a fault that is over says so, and is left to the log once the relay has been well for ten minutes', async (t) => {
  const at = now - 4_000;
  const well = relayStatus('x', { word: 'connected' }, { since: now - 3_000, lastFault: { ...unreachable, at } });
  t.match(drawRelay(well, plain), /last fault +over: nothing listens .* \[CONNECT_REFUSED\], 4 s ago\n/s);
  const later = { ...plain, now: now + 601_000 };
  t.notMatch(drawRelay(well, later), /last fault/);
  const fresh = { ...well, lastFault: { ...unreachable, at: now + 600_000 } };
  t.match(drawRelay(fresh, later), /last fault +nothing listens/, 'one that it met since then is told');
  const ill = relayStatus('x', { word: 'degraded', reason: 'r' }, { since: 0, lastFault: { ...unreachable, at: 1 } });
  t.match(drawRelay(ill, later), /last fault/);
});

test('a launch that takes its time says how much of it', async (t) => {
  const state = { at: 'dialing', attempt: 1, before: false, tries: { of: 'none', count: 0, flaps: 0 } } as const;
  const bare = {
    pid: 1,
    state,
    note: null,
    link: null,
    machine: null,
    backend: null,
    fault: null,
    until: null,
    judged: [],
  };
  const bringing = { number: 1, of: 5, fault: null, since: now - 12_000 };
  const lane = { ...bare, stage: 'backend' as const, staged: now - 1_000, bringing };
  const reason = 'its backend does not listen on port 8787 yet; it has printed nothing';
  const sheet = (one: LaneSnapshot, text: string) =>
    drawRelay(relayStatus('x', { word: 'connecting', reason: text }, { lanes: [one] }), { ...plain, columns: 200 });
  t.match(sheet(lane, reason), /reason +its backend .* it has printed nothing, 12 s so far\n/);
  const third = { ...lane, bringing: { ...bringing, number: 3, fault: unreachable } };
  t.match(
    sheet(third, 'loading, try 3 of 5'),
    /reason +loading, try 3 of 5, 12 s so far; before: nothing listens at .* \[CONNECT_REFUSED\]\n/,
  );
  const paused = { ...third, stage: 'pause' as const };
  t.match(sheet(paused, 'try 3 of 5: no; again in 4 s'), /reason +try 3 of 5: no; again in 4 s\n/);
});
