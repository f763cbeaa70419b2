import { test } from 'tap';
import { describe } from '../../src/control/describe.ts';
import type { Level } from '../../src/control/description.ts';
import { createNarrator } from '../../src/control/narrator.ts';
import type { Event, Fact } from '../../src/core/model/event.ts';
import type { FaultReport } from '../../src/core/model/fault.ts';
import type { Beside, LaneState, Tries } from '../../src/core/model/state.ts';

const at = 1_000_000;
const dated = (fact: Fact, id = 1): Event => ({ ...fact, id, at });
const relay = 'dev-box';
const refused: FaultReport = {
  code: 'CONNECT_REFUSED',
  message: 'nothing listens at 10.0.0.7:22; start sshd there',
  detail: {},
};
const cut: FaultReport = { code: 'CONNECTION_CUT', message: 'the server closed a connection; look there', detail: {} };
const taken: FaultReport = { code: 'LISTEN_TAKEN', message: '127.0.0.1:8787 is in use; stop it', detail: {} };
const crashing: FaultReport = { code: 'WORKER_CRASHING', message: 'it ended 5 times', detail: {} };
const tries: Tries = { of: 'soon', count: 1, flaps: 0 };
const listen = { kind: 'tcp', host: '127.0.0.1', port: 8787 } as const;
const target = { kind: 'tcp', host: '127.0.0.1', port: 80 } as const;
const link = {
  remote: 'dev@10.0.0.7:22',
  route: [],
  server: 'OpenSSH',
  hostKey: 'SHA256:abc',
  strict: true,
  detect: 20_000,
  took: 43,
};
const question = { relay, lane: 0, kind: 'password', where: 'me@box:22', wish: 'a password', again: false } as const;
const change = { added: ['a', 'b'], removed: ['c'], changed: ['d', 'e'], ended: ['d'] };
const beside = (one: Beside): LaneState => ({
  at: 'up',
  since: at,
  attempt: 1,
  tries,
  backing: null,
  beside: one,
  vain: [],
});
const lane = (state: LaneState, index = 0): Fact => ({ type: 'lane.changed', relay, lane: index, state });
const judged = (
  judgement: 'pending' | 'unverified' | 'well' | 'unwell',
  fault: FaultReport | null,
  rtt: number | null,
): Fact => ({
  type: 'forward.judged',
  relay,
  lane: 0,
  forward: 0,
  judgement,
  fault,
  rtt,
});

// biome-ignore format: a table is read by its columns
const rows: readonly (readonly [Fact, Level, string])[] = [
  [{ type: 'daemon.started', pid: 7, version: '1.2.3', config: '/c.json' },            'info',  'towline 1.2.3 started (pid 7), config /c.json'],
  [{ type: 'daemon.stopping', why: 'SIGTERM' },                                        'info',  'towline is stopping: SIGTERM'],
  [{ type: 'relay.declared', relay, host: 'devbox', lanes: 1, forwards: [{ kind: 'local', listen, target, probed: false }] }, 'debug', 'dev-box: host devbox, lanes 1, forwards 1'],
  [{ type: 'config.reloaded', ...change },                                             'info',  'the config was read again: added a, b; removed c; changed d, e; the links of d end'],
  [{ type: 'config.reloaded', added: [], removed: [], changed: [], ended: [] },        'info',  'the config was read again: nothing changed'],
  [{ type: 'config.differs', ...change, cuts: ['c', 'd'] },                            'warn',  'the config file has changed (added a, b; removed c; changed d, e; the links of d end), and c, d would lose their links by it; `towline reload` applies it'],
  [{ type: 'config.refused', fault: { code: 'CONFIG_INVALID', message: '/t.json:1:2 a: no', detail: {} } }, 'error', '/t.json:1:2 a: no [CONFIG_INVALID]; keeping the running configuration'],
  [{ type: 'relay.changed', relay, host: 'h', lanes: 2, forwards: [] },                'debug', 'dev-box: now host h, lanes 2, forwards 0'],
  [{ type: 'relay.removed', relay },                                                   'info',  'dev-box: removed'],
  [{ type: 'relay.started', relay },                                                   'info',  'dev-box: started'],
  [{ type: 'relay.stopping', relay, why: 'the user asked for it' },                    'info',  'dev-box: stopping: the user asked for it'],
  [{ type: 'relay.restarting', relay, why: 'the user asked for it' },                  'info',  'dev-box: restarting: the user asked for it'],
  [{ type: 'worker.said', relay, text: 'hello', count: 3 },                            'info',  'dev-box: says: hello (3 lines left out)'],
  [{ type: 'relay.stopped', relay },                                                   'info',  'dev-box: stopped'],
  [{ type: 'relay.stopped', relay, cut: 2 },                                           'info',  'dev-box: stopped; 2 open connections were cut'],
  [{ type: 'listener.bound', relay, forward: 0, listen },                              'info',  'dev-box: listening on 127.0.0.1:8787'],
  [{ type: 'remote.bound', relay, lane: 0, forward: 0, listen },                       'info',  'dev-box: the host listens on 127.0.0.1:8787 for this machine'],
  [{ type: 'remote.failed', relay, lane: 0, forward: 0, fault: taken },                'warn',  'dev-box: 127.0.0.1:8787 is in use; stop it [LISTEN_TAKEN]'],
  [{ type: 'listener.failed', relay, forward: 0, fault: taken },                       'warn',  'dev-box: 127.0.0.1:8787 is in use; stop it [LISTEN_TAKEN]'],
  [{ type: 'worker.started', relay, lane: 0, pid: 9 },                                 'debug', 'dev-box: worker 9 started'],
  [{ type: 'worker.ended', relay, lane: 0, pid: 9, fault: refused, until: null },      'warn',  `dev-box: ${refused.message} [CONNECT_REFUSED]`],
  [{ type: 'worker.ended', relay, lane: 0, pid: 9, fault: crashing, until: at },       'error', 'dev-box: it ended 5 times [WORKER_CRASHING]'],
  [lane({ at: 'idle' }),                                                               'debug', 'dev-box: idle'],
  [lane({ at: 'dialing', attempt: 1, tries, before: false }),                          'info',  'dev-box: connecting'],
  [lane({ at: 'dialing', attempt: 1, tries, before: true }),                           'info',  'dev-box: reconnecting'],
  [lane({ at: 'dialing', attempt: 1, tries, before: true, lost: refused }),            'warn',  `dev-box: ${refused.message} [CONNECT_REFUSED]`],
  [lane({ at: 'dialing', attempt: 4, tries, before: true }),                           'debug', 'dev-box: attempt 4'],
  [lane({ at: 'up', since: at, attempt: 1, tries, backing: null, beside: null, vain: [] }),                                   'debug', 'dev-box: the link is up'],
  [lane({ at: 'up', since: at, attempt: 1, tries, kept: [0], backing: { at: 'trying', tries: { of: 'none', count: 0, flaps: 0 }, fresh: true }, beside: null, vain: [] }), 'debug', 'dev-box: the link is up, its backend is brought'],
  [lane({ at: 'up', since: at, attempt: 1, tries, backing: { at: 'trying', tries: { of: 'none', count: 0, flaps: 0 } }, beside: null, vain: [] }), 'info', 'dev-box: its backend is brought again, the link stays up'],
  [lane({ at: 'up', since: at, attempt: 1, tries, backing: { at: 'trying', tries: { of: 'never', count: 1, flaps: 0 } }, beside: null, vain: [] }), 'debug', 'dev-box: its backend is brought again, the link stays up'],
  [lane({ at: 'up', since: at, attempt: 1, tries, backing: { at: 'blocked', tries, until: at + 300_000, fault: refused }, beside: null, vain: [] }), 'error', `dev-box: its backend is missing, the link stays up: ${refused.message} [CONNECT_REFUSED], next try in 5 min`],
  [lane({ at: 'up', since: at, attempt: 1, tries, backing: { at: 'waiting', tries, from: at, until: at + 1_500, fault: refused }, beside: null, vain: [] }), 'warn', `dev-box: its backend: ${refused.message} [CONNECT_REFUSED], next try in 1.5 s`],
  [lane(beside({ at: 'doubting', where: 'me@box:22', since: at, until: at + 2_000 })),                'debug', 'dev-box: me@box:22 is asked for a sign of life'],
  [lane(beside({ at: 'dialing', why: refused, attempt: 2, tries })),                                  'debug', 'dev-box: the second link: attempt 2'],
  [lane(beside({ at: 'waiting', why: refused, attempt: 2, tries, from: at, until: at + 1_500, fault: refused })), 'warn', `dev-box: the second link: ${refused.message} [CONNECT_REFUSED], next try in 1.5 s`],
  [lane(beside({ at: 'blocked', why: refused, attempt: 2, tries, until: null, fault: refused })),     'warn', `dev-box: the second link: ${refused.message} [CONNECT_REFUSED]`],
  [lane(beside({ at: 'alone', why: refused })),                                                       'debug', 'dev-box: the link is waited for'],
  [{ type: 'link.doubted', relay, lane: 0, fault: refused },                           'warn',  `dev-box: ${refused.message} [CONNECT_REFUSED]`],
  [{ type: 'link.answered', relay, lane: 1 },                                          'info',  'dev-box (lane 2): the host answers again, the link goes on'],
  [{ type: 'link.replaced', relay, lane: 0 },                                          'info',  'dev-box: the second link serves now; who is joined over the first one stays with it'],
  [{ type: 'machine.woke', asleep: 480_000 },                                          'info',  'towline did not run for 8 min (sleep, or stopped); asking every host'],
  [{ type: 'network.changed', added: ['10.0.0.8'], removed: ['10.0.0.7'] },            'info',  "this machine's addresses changed (-10.0.0.7 +10.0.0.8); asking every host"],
  [lane({ at: 'waiting', attempt: 1, tries, from: at, until: at + 1_500, fault: refused, before: false }), 'warn', `dev-box: ${refused.message} [CONNECT_REFUSED], next try in 1.5 s`],
  [lane({ at: 'waiting', attempt: 1, tries: { of: 'soon', count: 8, flaps: 0 }, from: at, until: at, fault: refused, before: false }), 'warn', `dev-box: ${refused.message} [CONNECT_REFUSED], trying again now (8 failures in a row)`],
  [lane({ at: 'waiting', attempt: 1, tries: { of: 'soon', count: 9, flaps: 0 }, from: at, until: at, fault: refused, before: false }), 'debug', `dev-box: ${refused.message} [CONNECT_REFUSED], trying again now (9 failures in a row)`],
  [lane({ at: 'blocked', attempt: 1, tries, until: at + 1_200_000, fault: refused, before: false }), 'error', `dev-box: blocked: ${refused.message} [CONNECT_REFUSED], next try in 20 min`],
  [lane({ at: 'blocked', attempt: 1, tries, until: null, fault: refused, before: false }), 'error', `dev-box: blocked: ${refused.message} [CONNECT_REFUSED]`],
  [lane({ at: 'draining', until: at + 10_000 }, 1),                                    'info',  'dev-box (lane 2): the link is draining, at most 10 s'],
  [lane({ at: 'ended' }),                                                              'debug', 'dev-box: ended'],
  [{ type: 'lane.advanced', relay, lane: 0, stage: 'key exchange', note: null },                   'debug', 'dev-box: key exchange'],
  [{ type: 'link.opened', relay, lane: 0, link },                                      'info',  'dev-box: connected to dev@10.0.0.7:22 (SHA256:abc, 43 ms)'],
  [{ type: 'link.opened', relay, lane: 1, link: { ...link, route: ['bastion', 'inner'] } }, 'info', 'dev-box (lane 2): connected to dev@10.0.0.7:22 via bastion, inner (SHA256:abc, 43 ms)'],
  [judged('pending', null, null),                                                      'debug', 'dev-box: forward 1 is being checked'],
  [judged('unverified', null, 3),                                                      'info',  'dev-box: forward 1 reaches its target, unverified (3 ms)'],
  [judged('well', null, null),                                                         'debug', 'dev-box: forward 1 may take clients, not probed'],
  [judged('well', null, 12),                                                           'info',  'dev-box: forward 1 is healthy (12 ms)'],
  [judged('unwell', refused, null),                                                    'warn',  `dev-box: forward 1: ${refused.message} [CONNECT_REFUSED]`],
  [{ type: 'connection.refused', relay, forward: 0, fault: refused, count: 1 },        'warn',  `dev-box: refused a client at forward 1: ${refused.message} [CONNECT_REFUSED]`],
  [{ type: 'connection.refused', relay, forward: 0, fault: refused, count: 12 },       'warn',  `dev-box: refused 12 clients at forward 1: ${refused.message} [CONNECT_REFUSED]`],
  [{ type: 'connection.refused', relay, forward: null, fault: cut, count: 1 },         'warn',  `dev-box: lost a client at a forward that is gone: ${cut.message} [CONNECTION_CUT]`],
  [{ type: 'connection.refused', relay, forward: 0, fault: cut, count: 1 },            'warn',  `dev-box: lost a client at forward 1: ${cut.message} [CONNECTION_CUT]`],
  [{ type: 'plugin.failed', relay, plugin: 'guest', fault: { ...refused, code: 'PLUGIN_FAILED', message: 'it threw' } }, 'error', 'dev-box: plugin guest: it threw [PLUGIN_FAILED]'],
  [{ type: 'relay.warned', relay, text: '~/.ssh/config:3: Tunnel is not honoured' },   'warn',  'dev-box: ~/.ssh/config:3: Tunnel is not honoured'],
  [{ type: 'relay.noted', relay, text: 'box is reached by its ProxyCommand: nc' },     'info',  'dev-box: box is reached by its ProxyCommand: nc'],
  [{ type: 'question.asked', of: 'person', ...question },                              'info',  'dev-box: me@box:22 waits for a password'],
  [{ type: 'question.asked', of: 'askpass', ...question, again: true },                'info',  'dev-box: me@box:22 waits for a password again, the last one was wrong'],
  [{ type: 'question.answered', by: 'person', ...question },                           'info',  'dev-box: me@box:22 has a password'],
  [{ type: 'question.answered', by: 'memory', ...question },                           'debug', 'dev-box: me@box:22 has a password, kept from before'],
  [{ type: 'question.unanswered', why: 'late', ...question, lane: 1 },                 'debug', 'dev-box (lane 2): me@box:22 does not get a password: late'],
];

for (const [fact, level, text] of rows) {
  test(`${fact.type} is told as: ${text}`, async (t) => {
    t.same(describe(dated(fact)), { level, text });
  });
}

test('what others wrote cannot act on the terminal', async (t) => {
  t.equal(describe(dated({ type: 'relay.warned', relay, text: 'a\u001b[2Jb\nc' })).text, 'dev-box: a\\x1b[2Jb\\nc');
});

test('a narrator names forwards by address and does not repeat a judgement', async (t) => {
  const narrate = createNarrator();
  const say = (fact: Fact) => narrate(dated(fact))?.text ?? null;
  say({
    type: 'relay.declared',
    relay,
    host: 'h',
    lanes: 1,
    forwards: [{ kind: 'local', listen: { ...listen, port: 0 }, target, probed: true }],
  });
  say({ type: 'listener.bound', relay, forward: 0, listen });
  t.equal(say(judged('well', null, 12)), 'dev-box: 127.0.0.1:8787 is healthy (12 ms)');
  t.equal(say(judged('well', null, 13)), null);
  t.match(say(judged('unwell', refused, null)), /8787: nothing listens/);
  t.equal(say(judged('unwell', refused, null)), null);
  t.match(say(judged('unwell', taken, null)), /LISTEN_TAKEN/);
  t.equal(say(judged('well', null, 11)), 'dev-box: 127.0.0.1:8787 is healthy (11 ms)');
});

test('a circle is told only where the listener is ours', (t) => {
  const narrate = createNarrator();
  const say = (fact: Fact) => narrate(dated(fact))?.text ?? null;
  const forwards = [{ kind: 'local', listen, target, probed: true }] as const;
  say({ type: 'relay.declared', relay, host: 'h', lanes: 1, forwards });
  say({ type: 'listener.failed', relay, forward: 0, fault: taken });
  const loop: FaultReport = { code: 'TARGET_LOOP', message: 'it leads to itself', detail: {} };
  t.equal(say(judged('unwell', loop, null)), null);
  say({ type: 'listener.bound', relay, forward: 0, listen });
  t.match(say(judged('unwell', loop, null)), /TARGET_LOOP/);
  t.end();
});

test('a failure that stands is told once, however often the network changes, and another one is news', async (t) => {
  const narrate = createNarrator();
  const say = (fact: Fact) => narrate(dated(fact))?.text ?? null;
  const missing = (fault: FaultReport, count = 1) =>
    ({ at: 'blocked', tries: { of: 'never', count, flaps: 0 }, until: at + 300_000, fault }) as const;
  const up = { at: 'up', since: at, attempt: 1, tries, beside: null, vain: [] } as const;
  t.match(say(lane({ ...up, backing: missing(refused) })), /its backend is missing, .*CONNECT_REFUSED/);
  // What another address makes of a link: it is asked for a sign of life, and gives it.
  const doubted = (fault: FaultReport, count?: number) => {
    say({ type: 'network.changed', added: ['10.0.0.8'], removed: [] });
    const beside = { at: 'doubting', where: 'me@box:22', since: at, until: at + 2_000 } as const;
    say(lane({ ...up, backing: missing(fault, count), beside }));
    return say(lane({ ...up, backing: missing(fault, count) }));
  };
  t.equal(doubted(refused), null);
  t.equal(doubted(refused), null);
  t.match(doubted(taken), /its backend is missing, .*LISTEN_TAKEN/, 'one that came meanwhile');
  t.match(doubted(taken, 2), /its backend is missing, .*LISTEN_TAKEN/, 'it was tried again meanwhile');
  say(lane({ ...up, backing: null }));
  t.match(say(lane({ ...up, backing: missing(taken, 2) })), /LISTEN_TAKEN/, 'it was well meanwhile');
  const waiting = (until: number): Fact =>
    lane({ at: 'waiting', attempt: 1, tries, from: at, until, fault: refused, before: false });
  t.match(say(waiting(at + 1_500)), /CONNECT_REFUSED/);
  t.equal(say(waiting(at + 100)), null, 'only sooner');
  say({ type: 'relay.started', relay });
  t.match(say(waiting(at + 100)), /CONNECT_REFUSED/);
});

test('a forward that moves in the config is still called by the address that it is bound to', (t) => {
  const narrate = createNarrator();
  const free = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const forward = { kind: 'local', listen: free, target, probed: false } as const;
  const say = (fact: Fact) => narrate(dated(fact))?.text;
  say({ type: 'relay.declared', relay, host: 'h', lanes: 1, forwards: [forward, forward] });
  say({ type: 'listener.bound', relay, forward: 1, listen });
  say({
    type: 'relay.changed',
    relay,
    host: 'h',
    lanes: 1,
    forwards: [
      { ...forward, was: 1 },
      { ...forward, was: null },
    ],
  });
  const wrong = (index: number): Fact => ({
    type: 'connection.refused',
    relay,
    forward: index,
    fault: refused,
    count: 1,
  });
  t.match(say(wrong(0)), /at 127\.0\.0\.1:8787: /);
  t.match(say(wrong(1)), /at 127\.0\.0\.1:0: /);
  t.end();
});
