import { test } from 'tap';
import { choosePort, type Wanted } from '../../../src/plugins/launch/choose-port.ts';
import { readAddress, readLook } from '../../../src/plugins/launch/look.ts';

const wanted: Wanted = { given: null, printed: null, prints: false, steady: 0 };
const look = (...lines: string[]) => readLook(['B live', 'R 7 1700000000', ...lines]);
const own = (address: string, inode: number) => [`T ${address} 1000 ${inode}`, `S 7 ${inode}`];
const other = (address: string, inode: number) => [`T ${address} 1001 ${inode}`];

test('addresses of /proc/net/tcp are read, and what is none is not', (t) => {
  t.same(readAddress('0100007F:1F90'), { address: '127.0.0.1', port: 8080 });
  t.same(readAddress('00000000000000000000000001000000:0050'), { address: '::1', port: 80 });
  t.same(readAddress('0000000000000000FFFF00000100007F:0050'), { address: '127.0.0.1', port: 80 });
  t.same(readAddress('00000000000000000000000000000000:FFFF'), { address: '::', port: 65_535 });
  t.same(readAddress('B80D01200000000067452301EFCDAB89:0001'), { address: '2001:db8::123:4567:89ab:cdef', port: 1 });
  for (const bad of ['', '0100007F', '7F:1F90', 'x'.repeat(32)]) t.equal(readAddress(bad), null);
  t.end();
});

test('a look tells the main process, its end, its family and whose listeners are', (t) => {
  const seen = readLook(['B gone 3', 'R 7 1700000000', 'P 8 some name', ...own('0100007F:1F90', 5), 'S 8 99', 'odd']);
  t.match(seen, { main: 'gone', code: 3, pid: 7, started: 1_700_000_000, tellable: true });
  t.same(seen.processes, [{ pid: 8, name: 'some name' }]);
  t.same(seen.listeners, [{ address: '127.0.0.1', port: 8080, uid: 1000, own: true }]);
  t.match(readLook(['B none', 'N']), { main: 'none', code: null, tellable: false });
  t.end();
});

test('the printed port is followed when it is its own, then the given one, then the only one', (t) => {
  const two = look(...own('0100007F:1F90', 1), ...own('0100007F:1F91', 2));
  t.match(choosePort(two, { ...wanted, printed: 8081, given: 8080 }), { is: 'ready', port: 8081 });
  t.match(choosePort(two, { ...wanted, given: 8080 }), { is: 'ready', port: 8080 });
  t.match(choosePort(two, { ...wanted, steady: 60_000 }), { is: 'waiting' });
  const one = look(...own('0100007F:1F90', 1), ...other('0100007F:1F91', 2));
  t.match(choosePort(one, { ...wanted, printed: 8081, given: 8080 }), { is: 'ready', port: 8080 });
  t.match(choosePort(one, wanted), { is: 'waiting' });
  t.match(choosePort(one, { ...wanted, steady: 1_000 }), { is: 'ready', port: 8080 });
  t.match(choosePort(one, { ...wanted, prints: true, steady: 1_000 }), { is: 'waiting' });
  t.match(choosePort(one, { ...wanted, given: 8081, steady: 1_000 }), { is: 'foreign', port: 8081, uid: 1001 });
  t.match(choosePort(one, { ...wanted, given: 8081, steady: 10_000 }), { is: 'ready', port: 8080 });
  t.match(choosePort(look(), { ...wanted, given: 8080 }), { is: 'waiting' });
  t.end();
});

test('the address leads to its own listener, whoever has the same port beside it', (t) => {
  const at = (...lines: readonly string[]) => choosePort(look(...lines), { ...wanted, given: 80 });
  const [v4, v6] = ['0100007F:0050', '00000000000000000000000001000000:0050'];
  const [all4, all6] = ['00000000:0050', '00000000000000000000000000000000:0050'];
  t.match(at(...own(v4, 1)), { host: '127.0.0.1' });
  t.match(at(...own(v6, 1)), { host: '::1' });
  t.match(at(...own(all4, 1)), { host: '127.0.0.1' });
  t.match(at(...own(all6, 1)), { host: '127.0.0.1' });
  t.match(at(...own(v6, 1), ...other(v4, 2)), { host: '::1' });
  t.match(at(...own(all6, 1), ...other(v4, 2)), { host: '::1' });
  t.match(at(...own(all6, 1), ...other(all4, 2)), { host: '::1' });
  t.match(at(...own(all4, 1), ...other(v4, 2)), { is: 'foreign', uid: 1001 });
  t.match(at(...own('0500000A:0050', 1)), { host: '10.0.0.5' });
  t.end();
});
