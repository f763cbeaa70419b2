import { test } from 'tap';
import { daemonFindings } from '../../src/cli/daemon-findings.ts';
import { lastWord } from '../../src/cli/doctor.ts';
import { mind, well, wrong } from '../../src/cli/finding.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { emptyLane } from '../../src/core/model/lane-progress.ts';
import { relayStatus } from './statuses.ts';

const rejected = { code: 'AUTH_REJECTED', message: 'srv rejected every identity; add the key', detail: {} } as const;
const lost = { code: 'LINK_SILENT', message: 'srv is silent; trying again', detail: {} } as const;

test('a trouble is told once: by doctor itself, by the state, or as the last one', async (t) => {
  const blocked = { word: 'blocked', reason: rejected.message, fault: rejected } as const;
  const relay = { ...relayStatus('x', blocked), lastFault: { ...rejected, at: Date.now() } };
  t.match(daemonFindings(relay, []), [
    { state: 'wrong', text: /^the daemon says blocked.* \(srv rejected every/, fault: { code: 'AUTH_REJECTED' } },
  ]);
  t.match(daemonFindings(relay, [Fault.fromReport(rejected)]), [
    { state: 'mind', text: /^the daemon says blocked.*, for the same reason$/ },
  ]);
  const worded = new Fault('AUTH_REJECTED', 'another sentence about it');
  t.match(daemonFindings(relay, [worded]), [{ state: 'mind', text: /\(srv rejected every/ }], 'it is counted once');
});

test('only a link that was lost is blamed on the network', async (t) => {
  const connected = relayStatus('x', { word: 'connected' });
  const fixAfter = (fault: typeof rejected | typeof lost) =>
    daemonFindings({ ...connected, lastFault: { ...fault, at: 1 } }, []).at(-1)?.fix;
  t.equal(fixAfter(rejected), '`towline logs` shows how often');
  t.match(fixAfter(lost), /keepalive/);
});

test('what ended an attempt may be over; what stands in the way of a relay now is wrong', async (t) => {
  const waits = { word: 'reconnecting', reason: lost.message, fault: lost } as const;
  t.match(daemonFindings(relayStatus('x', waits), []), [{ state: 'mind', fix: '`towline start x` tries at once' }]);
  const degraded = { ...waits, word: 'degraded' } as const;
  t.match(daemonFindings(relayStatus('x', degraded), []), [{ state: 'wrong', fault: { code: 'LINK_SILENT' } }]);
});

test('a backend that was stopped on purpose, and runs again, is no trouble of old', async (t) => {
  const stopped = { code: 'BACKEND_STOPPED', message: 'stopped; restart it', detail: {}, at: 1 } as const;
  const relay = relayStatus('x');
  t.match(daemonFindings({ ...relay, lastFault: stopped }, []), [{ state: 'well' }]);
  t.equal(daemonFindings({ ...relay, lastFault: stopped }, []).length, 1);
});

test('the last word is the sum of the findings', async (t) => {
  const fault = Fault.fromReport(lost);
  const [good, odd, bad] = [well('login', '', 'a'), mind('login', '', 'b'), wrong('login', '', fault)];
  t.equal(lastWord([good]), 'all is well');
  t.equal(lastWord([good, odd]), 'nothing is wrong; 1 thing marked ! may matter');
  t.equal(lastWord([odd, odd]), 'nothing is wrong; 2 things marked ! may matter');
  t.equal(lastWord([good, odd, bad]), '1 thing is wrong');
  t.equal(lastWord([bad, bad]), '2 things are wrong');
});

test('a launch that is under way is said to be so: which try, how long, its last line, what the one before failed with', async (t) => {
  const lane = {
    ...emptyLane,
    stage: 'backend',
    note: 'Loading 17 of 40',
    bringing: { number: 2, of: 5, fault: lost, since: Date.now() - 12_500 },
  } as const;
  const relay = relayStatus('x', { word: 'connecting', reason: 'Loading' }, { lanes: [lane] });
  const [finding, ...more] = daemonFindings(relay, []);
  t.strictSame(more, []);
  t.match(finding, {
    state: 'wait',
    text: /^the daemon says connecting: it is bringing the backend up, try 2 of 5, 1[23] s so far; last: Loading 17 of 40; before: srv is silent.* \[LINK_SILENT\]$/,
    fix: /`towline status x --watch`/,
  });
  const paused = relayStatus('x', relay.standing, {
    lanes: [{ ...lane, stage: 'pause', note: 'try 2 of 5: no; again in 2 s' }],
  });
  t.match(daemonFindings(paused, []), [
    { state: 'wait', text: /bringing the backend up; try 2 of 5: no; again in 2 s$/ },
  ]);
  const one = finding === undefined ? [] : [finding];
  t.equal(lastWord(one), 'nothing is wrong so far; 1 launch is under way');
  t.equal(lastWord([...one, wrong('login', '', Fault.fromReport(lost))]), '1 thing is wrong; 1 launch is under way');
});
