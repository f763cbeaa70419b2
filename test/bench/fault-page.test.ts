import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { explained, worseThan } from '../../bench/faults/compare.ts';
import { drawPage } from '../../bench/faults/page.ts';
import { type Measured, merge, noResults, readResults } from '../../bench/faults/results.ts';
import { ofRounds } from '../../bench/faults/rounds.ts';
import type { FaultRow, Verdict } from '../../bench/faults/row.ts';
import { allRows, chooseRows } from '../../bench/faults/rows.ts';
import type { Met, Seen } from '../../bench/faults/seen.ts';

const row: FaultRow = { id: 'F01', title: 'a fault', sees: 'nothing', make: async () => undefined };
const met = (failed: number, back: number | null, how: 'lives' | 'reset' | 'end' = 'reset'): Met => ({
  noticed: 5,
  open: { how, after: how === 'lives' ? null : 7 },
  newcomers: { tried: 9, failed, back },
});
const verdict = (bad: number, took: number | null): Verdict => ({ text: `${bad} bad, ${took} ms`, bad, took });
const measured = (id: string, seen: Seen): Measured => ({
  id,
  date: '2026-01-02 03:04 UTC',
  commit: 'abc',
  load: 0.5,
  machine: 'machine: M',
  programs: 'node N',
  seen,
});
const draw = (one: FaultRow, seen: Seen): string => drawPage([one], merge(noResults, [measured(one.id, seen)]));

test('the page is what its figures and its rows make of it: no line is written by hand', (t) => {
  const results = readResults('docs/fault-times.json');
  t.ok(Object.keys(results.rows).length > 10);
  const again = '`npm run bench:faults -- --draw --out docs/fault-times.md` draws it anew';
  t.equal(readFileSync('docs/fault-times.md', 'utf8'), drawPage(allRows, results), again);
  t.end();
});

test('what is measured again takes its own row, and the others keep date and commit', (t) => {
  const old = merge(noResults, [measured('F01', {}), measured('F03', {})], { date: 'd', commit: 'c', figures: {} });
  const { rows, proofs } = merge(old, [
    { ...measured('F02', {}), commit: 'new' },
    { ...measured('F03', {}), commit: 'new' },
  ]);
  t.same(
    Object.values(rows).map(({ id, commit }) => `${id} ${commit}`),
    ['F01 abc', 'F02 new', 'F03 new'],
  );
  t.same(proofs, old.proofs);
  const shown = merge(old, [], { date: 'd2', commit: 'c2', figures: { F01: ['detect=2ms', 'recover=9ms'] } });
  t.match(drawPage([], shown), /on d2 at commit c2.*\| F01 \| .* \| `detect=2ms`<br>`recover=9ms` \|/s);
  t.match(
    draw(row, {}),
    '| F01 | a fault | nothing | not run | not run | not run | 2026-01-02 03:04 UTC, abc, load 0.50 |',
  );
  t.match(drawPage([row, { ...row, id: 'F02' }], merge(noResults, [measured('F01', {})])), 'not measured yet: F02');
  t.end();
});

test('what is promised in figures stands with what was measured; what is missed in bold, with its cause', (t) => {
  const figures = {
    F01: ['detect=4ms serve=301ms'],
    F07: ['keepalive=5sx3 detect=20s', 'keepalive=1sx3 detect=4.1s recover=9ms'],
    F63: ['clients=3000 failed=1 took=1.6s'],
  };
  const page = drawPage([], merge(noResults, [], { date: 'd', commit: 'c', figures }));
  t.match(page, '| the same, keepalive 1 s x 3 | 4.2 s | 4.1 s |');
  t.match(page, '| a killed session, until served | 300 ms | **301 ms**: cause not known |');
  t.match(page, '| 3,000 connects at once, failed | 0 | **1**: cause not known |');
  t.match(page, /\| the same, until all are served \| 1\.5 s \| \*\*1\.6 s\*\*: Each socket/);
  t.match(page, '| a dead peer, nobody waits | 21 s | not measured |');
  t.end();
});

test('of several rounds the table has the median of who was back, all that failed, and the worst of the rest', (t) => {
  const late: Met = { ...met(1, 900), noticed: 70, open: { how: 'reset', after: 80 } };
  const rounds = [late, met(0, 100, 'lives'), met(2, null), met(0, 300, 'end'), met(0, 200)];
  const all = ofRounds(rounds);
  t.same(all, {
    noticed: 70,
    open: { how: 'end', after: 80 },
    newcomers: { tried: 45, failed: 3, back: 300 },
    rounds: { count: 5, lost: 4, backs: [900, 100, null, 300, 200] },
  });
  t.match(
    draw(row, { towline: all }),
    'noticed after 70 ms at most; open: end in 4 of 5, after 80 ms at most; 3 of 45 failed; back after 300 ms (5 times: 100 ms to never)',
  );
  t.same(ofRounds([met(1, 2)]), met(1, 2));
  t.equal(ofRounds([met(0, null), met(0, 5), met(0, null)]).newcomers.back, null);
  t.match(ofRounds([met(0, 1, 'lives'), met(0, 2, 'lives')]).open, { how: 'lives', after: null });
  t.equal(ofRounds([{ ...met(0, 1), noticed: null }, met(0, 1)]).noticed, null);
  t.throws(() => ofRounds([]));
  const [often, once] = [ofRounds([met(0, 1), met(0, 1)]), ofRounds([met(0, 1), met(0, 1, 'lives')])];
  t.same(worseThan({ towline: often, autossh: once }), [
    { what: 'open', text: 'the open connection was lost in 2 of 2 (autossh: lost in 1 of 2)' },
  ]);
  t.same(worseThan({ towline: once, autossh: often }), []);
  t.end();
});

test('what is worse than a rival stands under Worse with both figures and its cause, or that nobody knows it', (t) => {
  const seen = { towline: met(3, 900), 'ssh in a loop': met(1, 950), autossh: met(4, 100) };
  t.same(
    worseThan(seen).map(({ what, text }) => `${what}: ${text}`),
    ['failed: 3 of 9 failed (ssh in a loop: 1 of 9)', 'back: back after 900 ms (autossh: back after 100 ms)'],
  );
  const page = draw({ ...row, why: { back: 'It rests.' } }, seen);
  t.match(page, '- F01, a fault: 3 of 9 failed (ssh in a loop: 1 of 9). Cause not known.');
  t.match(page, '- F01, a fault: back after 900 ms (autossh: back after 100 ms). It rests.');
  t.notOk(explained({ ...row, why: { back: 'It rests.' } }, worseThan(seen)));
  t.ok(explained({ ...row, why: { back: 'It rests.', failed: 'It gives up.' } }, worseThan(seen)));
  t.end();
});

test('each thing in which towline may be worse is seen, and what is no difference is none', (t) => {
  const cases: readonly [Seen, readonly string[]][] = [
    [{ towline: met(0, null), autossh: met(0, 80_000) }, ['back']],
    [{ towline: met(0, 350), autossh: met(0, 60) }, []],
    [{ towline: met(0, 1), autossh: met(0, null, 'end') }, []],
    [{ towline: met(0, 1, 'reset'), autossh: met(0, 1, 'lives') }, ['open']],
    [{ towline: met(0, 1, 'end'), autossh: met(0, 1, 'end') }, ['whole']],
    [{ towline: verdict(1, 5), autossh: verdict(0, 5) }, ['failed']],
    [{ towline: verdict(0, 150), autossh: verdict(0, 100) }, ['took']],
    [{ towline: verdict(0, 11), autossh: verdict(0, 5) }, []],
    [{ towline: verdict(0, 24), autossh: verdict(0, 5) }, ['took']],
    [{ towline: { ...verdict(0, 5), memory: 184 }, autossh: { ...verdict(0, 5), memory: 122 } }, ['memory']],
    [{ towline: { ...verdict(0, 5), memory: 130 }, autossh: { ...verdict(0, 5), memory: 122 } }, []],
    [{ towline: { ...verdict(0, null), logins: 8 }, autossh: { ...verdict(2, null), logins: 5 } }, ['logins']],
    [{ towline: { ...verdict(0, null), logins: 8 }, autossh: { ...verdict(0, null), logins: 8 } }, []],
    [{ towline: { ...verdict(0, 5), memory: 184, logins: 8 }, autossh: verdict(0, 5) }, []],
    [{ towline: verdict(0, 150), autossh: verdict(1, 100) }, []],
    [{ towline: met(0, 1) }, []],
    [{}, []],
  ];
  for (const [seen, wanted] of cases) {
    t.same(
      worseThan(seen).map(({ what }) => what),
      wanted,
    );
  }
  t.match(draw(row, { towline: met(0, 1), autossh: met(0, 1) }), 'In no row that was measured is towline worse');
  t.end();
});

test('rows are chosen by the beginning of their names, and each has a name of its own', (t) => {
  const ids = (only: string) => chooseRows(only, false).map(({ id }) => id);
  t.same(ids('F0[34],F07'), ['F03', 'F03b', 'F04', 'F07']);
  t.same(ids('F03$'), ['F03']);
  t.same(ids('F99'), []);
  t.same(ids('F05'), ['F05', 'F05b']);
  t.same(
    chooseRows('F05c', true).map(({ id }) => id),
    ['F05c'],
  );
  t.equal(chooseRows(undefined, false).length, allRows.length - 1);
  t.equal(new Set(allRows.map(({ id }) => id)).size, allRows.length);
  t.end();
});
