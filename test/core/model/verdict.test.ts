import { test } from 'tap';
import { judge, noVerdict } from '../../../src/core/model/verdict.ts';

const rows: readonly { results: string; rise: number; fall: number; verdicts: string }[] = [
  { results: '+', rise: 1, fall: 3, verdicts: '+' },
  { results: '-', rise: 1, fall: 3, verdicts: '-' },
  { results: '+---', rise: 1, fall: 3, verdicts: '+++-' },
  { results: '+--+--', rise: 1, fall: 3, verdicts: '++++++' },
  { results: '+---+', rise: 1, fall: 3, verdicts: '+++-+' },
  { results: '-++', rise: 2, fall: 1, verdicts: '--+' },
  { results: '++', rise: 2, fall: 1, verdicts: '?+' },
  { results: '-+-+', rise: 2, fall: 1, verdicts: '----' },
];

test('a verdict changes after rise good or fall bad results in a row, and the first bad one counts at once', (t) => {
  for (const { results, rise, fall, verdicts } of rows) {
    let verdict = noVerdict;
    let shown = '';
    for (const result of results) {
      verdict = judge(verdict, result === '+', rise, fall);
      shown += verdict.healthy === null ? '?' : verdict.healthy ? '+' : '-';
    }
    t.equal(shown, verdicts, `${results} with rise ${rise}, fall ${fall}`);
  }
  t.end();
});
