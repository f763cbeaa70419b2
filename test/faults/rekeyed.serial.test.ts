import { test } from 'tap';
import { startTcp } from '../fixtures/backend.ts';
import { hashOf, testHash, testStream } from '../fixtures/bytes.ts';
import { dial } from '../fixtures/client.ts';
import { startSshd } from '../fixtures/sshd.ts';
import { supervise } from '../fixtures/supervised.ts';
import { within } from '../fixtures/wait.ts';
import { clock, measured } from './measure.ts';

test('F29: eight streams of 16 MB there and back through a server that rekeys every megabyte are byte-exact, within 4 s', async (t) => {
  const sshd = await startSshd(t, { config: ['RekeyLimit 1M'] });
  const size = 16 * 1024 * 1024;
  const echo = await startTcp(t, 0, (socket) => void socket.pipe(socket));
  const relays = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${echo.port}`] } });
  await relays.reach('r', 'connected');
  const { id } = relays.supervisor.status();
  const bare = await carry(echo.port, size);
  const { took, hashes } = await carry(relays.port('r'), size);
  t.same(new Set(hashes), new Set([testHash(size)]));
  const rate = (2 * 8 * size) / took / 1_000;
  measured(t, 'F29', { rekey: '1M', streams: '8x16MiB', bare: bare.took, took, rate: `${rate.toFixed(0)}MB/s` });
  // Measured: 1.7 s where nothing else runs. What else the machine does is seen in the same streams without a link.
  const most = Math.max(4_000, 4 * bare.took);
  t.ok(took <= most, `${took} ms of ${most}`);
  t.ok(rate >= Math.min(40, (2 * 8 * size) / most / 1_000), `${rate} MB/s`);
  t.same(
    relays.events.filter((event) => event.id > id && event.type === 'lane.changed' && event.state.at !== 'up'),
    [],
  );
});

/** Eight streams to an echo at once: how long it took, ms, and what came back. */
async function carry(port: number, size: number): Promise<{ took: number; hashes: string[] }> {
  const since = clock();
  const hashes = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = await dial(port);
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      const ended = new Promise<void>((resolve, reject) => {
        socket.once('end', resolve);
        socket.once('error', reject);
      });
      testStream(size).pipe(socket);
      await within('the end of a stream', ended, 60_000);
      return hashOf(chunks);
    }),
  );
  return { took: since(), hashes };
}
