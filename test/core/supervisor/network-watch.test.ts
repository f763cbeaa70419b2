import { test } from 'tap';
import { isOwnAddress, ownAddresses, plainAddress } from '../../../src/core/socket/own-addresses.ts';
import { type NetworkChange, watchNetwork } from '../../../src/core/supervisor/network-watch.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a change of the addresses is told once, with what came and went', async (t) => {
  let addresses = new Set(['192.0.2.1', '192.0.2.2']);
  let looks = 0;
  const changes: NetworkChange[] = [];
  const read = () => {
    looks += 1;
    if (looks === 3) throw new Error('EMFILE');
    return addresses;
  };
  t.teardown(watchNetwork((change) => changes.push(change), read));
  // What keeps the test alive; the watch alone must not.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(alive));
  addresses = new Set(['192.0.2.2', '2001:db8::1']);
  await waitUntil('four looks', () => looks >= 4);
  t.same(changes, [{ added: ['2001:db8::1'], removed: ['192.0.2.1'] }]);
});

test('addresses of this machine alone, or of one cable, are no sign of another network', (t) => {
  for (const address of ownAddresses()) t.notMatch(address, /^(127\.|::1$|169\.254\.|fe[89ab])/i);
  t.ok(isOwnAddress('127.0.0.1'), 'a link over one of them lives all the same');
  t.ok(isOwnAddress('::ffff:127.0.0.1'));
  t.notOk(isOwnAddress('192.0.2.1'));
  t.equal(plainAddress('::ffff:192.0.2.7'), '192.0.2.7');
  t.equal(plainAddress('2001:db8::1'), '2001:db8::1');
  t.end();
});
