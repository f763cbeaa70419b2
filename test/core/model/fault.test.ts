import { test } from 'tap';
import { Fault } from '../../../src/core/model/fault.ts';
import { faults } from '../../../src/core/model/fault-table.ts';

test('every code has a meaning, a cure, and an exit code of sysexits(3)', (t) => {
  for (const [code, row] of Object.entries(faults)) {
    t.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    t.ok(row.exit >= 64 && row.exit <= 78, `${code} exits with ${row.exit}`);
    t.ok(row.http >= 400 && row.http < 600, code);
    t.ok(row.means.length > 10 && row.todo.length > 5, code);
  }
  t.end();
});

test('a fault crosses a process boundary without its cause', (t) => {
  const fault = new Fault('LINK_LOST', 'gone', { cause: new Error('secret stack'), detail: { port: 22 } });
  const back = Fault.fromReport(JSON.parse(JSON.stringify(fault.report())));
  t.match(back, { code: 'LINK_LOST', message: 'gone', detail: { port: 22 }, cause: undefined });
  t.notMatch(JSON.stringify(fault.report()), /secret/);
  t.end();
});

test('what is no fault is a bug, marked INTERNAL', (t) => {
  t.equal(Fault.from(new TypeError('x')).code, 'INTERNAL');
  t.equal(Fault.from('text').code, 'INTERNAL');
  const fault = new Fault('USAGE', 'no');
  t.equal(Fault.from(fault), fault);
  t.end();
});
