import { test } from 'tap';
import { startRogue } from '../../fixtures/rogue-server.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { waitUntil } from '../../fixtures/wait.ts';

test('a link that the server ends in the breath in which it lets somebody in makes way for the next one', async (t) => {
  let logins = 0;
  const server = await startRogue(t, {
    login: (attempt, innards, socket) => {
      logins += 1;
      if (logins > 1) return attempt.accept();
      // Both messages are to come in one piece.
      const parts: Buffer[] = [];
      const write = socket.write.bind(socket);
      socket.write = (part: Uint8Array | string) => parts.push(Buffer.from(part)) > 0;
      attempt.accept();
      innards.disconnect(2);
      socket.write = write;
      write(Buffer.concat(parts));
    },
  });
  const relays = await supervise(t, server, { r: { host: 'test', forwards: ['0:127.0.0.1:9'] } });
  await waitUntil('the second login', () => logins === 2);
  const { lanes } = await relays.reach('r', 'connected');
  t.match(lanes, [{ state: { at: 'up' } }]);
  t.equal(relays.events.filter((event) => event.type === 'link.opened').length, 1);
});
