import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import { backlogLimit, serveEvents } from '../../src/control/server-sent-events.ts';
import { makeTemp } from '../fixtures/temp.ts';
import { waitUntil, within } from '../fixtures/wait.ts';

test('a reader that lags is dropped though more is said at once, and so is one at the end of the stream', async (t) => {
  const path = join(makeTemp(t, 'events'), 'socket');
  const ending = new AbortController();
  const sends: ((lines: string) => void)[] = [];
  let over = 0;
  const server = createServer((_, response) =>
    serveEvents(response, ending.signal, (send) => {
      sends.push(send);
      return () => {
        over += 1;
      };
    }),
  ).listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const read = async () => {
    const [response] = (await within('an answer', once(get({ socketPath: path }), 'response'))) as [IncomingMessage];
    response.on('error', () => undefined);
    return response;
  };
  await read();
  const [first] = sends;
  for (let count = 0; count < 4; count += 1) first?.('x'.repeat(backlogLimit));
  await waitUntil('it is dropped', () => over === 1);
  const other = await read();
  const ended = once(other, 'close');
  ending.abort();
  for (let count = 0; count < 2; count += 1) sends[1]?.('said after the end');
  other.resume();
  await within('the end', ended);
  await waitUntil('it is over', () => over === 2);
});
