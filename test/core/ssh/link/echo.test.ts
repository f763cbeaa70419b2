import { test } from 'tap';
import { openTestLink } from '../../../fixtures/link.ts';
import { type Rogue, startRogue } from '../../../fixtures/rogue-server.ts';
import { within } from '../../../fixtures/wait.ts';

// A server that opens each channel, and answers no ping before it is told to.

const target = { kind: 'tcp', host: '127.0.0.1', port: 9 } as const;
const from = { address: '127.0.0.1', port: 1 };

function mute() {
  let asked = 0;
  let answer: () => void = () => undefined;
  let silent = true;
  const welcome: Rogue['welcome'] = (_, innards) => {
    const server = innards as unknown as { requestFailure(): void };
    const fail = server.requestFailure.bind(server);
    server.requestFailure = () => {
      asked += 1;
      if (!silent) fail();
    };
    answer = () => {
      silent = false;
      for (let left = asked; left > 0; left -= 1) fail();
    };
  };
  return { welcome, asked: () => asked, answer: () => answer() };
}

test('a server that answers no pings is not asked for ever, however many channels it opens', async (t) => {
  const { welcome, asked, answer } = mute();
  const link = await openTestLink(t, await startRogue(t, { welcome }), { quicken: false });
  for (let round = 0; round < 8; round += 1) {
    const channels = await Promise.all(Array.from({ length: 100 }, () => link.dial(target, from)));
    for (const channel of channels) channel.close();
  }
  t.ok(asked() > 200 && asked() < 300, `${asked()} pings`);
  // Those that may not leave yet leave together, behind all that is asked for by then.
  const trips = Array.from({ length: 50 }, () => link.roundTrip());
  await within('one more channel', link.dial(target, from));
  const before = asked();
  answer();
  await within('the answers', Promise.all(trips));
  t.equal(asked(), before + 1);
  await within('a plain one', link.roundTrip());
});
