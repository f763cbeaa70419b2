import { test } from 'tap';

import { parseWrk } from '../../bench/wrk.ts';

const printed = (latencies: string, rest = ''): string => `Running 2s test @ http://127.0.0.1:20001/one
  1 threads and 1 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.37ms    6.39ms  44.40ms   95.21%
    Req/Sec     4.75k   724.00     6.00k    75.00%
  Latency Distribution
${latencies}
  9461 requests in 2.00s, 591.31KB read
${rest}Requests/sec:   4728.91
Transfer/sec:    295.56KB
`;

test('latencies are read in every unit that wrk prints', (t) => {
  const report = parseWrk(printed('     50%   97.00us\n     75%    1.20ms\n     90%    2.00ms\n     99%    1.04s '));
  t.same(report, { p50: 0.097, p99: 1_040, perSecond: 4_728.91, errors: 0 });
  t.end();
});

test('socket errors and bad answers are counted together', (t) => {
  const rest = '  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n';
  t.equal(parseWrk(printed('     50%    1.00ms\n     99%    2.00ms', rest)).errors, 15);
  t.end();
});

test('a report without latencies gives NaN, not zero', (t) => {
  t.ok(Number.isNaN(parseWrk('unable to connect').p50));
  t.ok(Number.isNaN(parseWrk('unable to connect').perSecond));
  t.end();
});
