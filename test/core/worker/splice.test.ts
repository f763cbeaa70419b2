import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import type { Connection, ServerChannel } from 'ssh2';
import { test } from 'tap';
import type { Incoming } from '../../../src/core/ssh/link/link.ts';
import { dialHere } from '../../../src/core/socket/dial-here.ts';
import { splice } from '../../../src/core/worker/splice.ts';
import { startTcp } from '../../fixtures/backend.ts';
import { fate } from '../../fixtures/client.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { type Innards, idOf, startRogue } from '../../fixtures/rogue-server.ts';
import { within } from '../../fixtures/wait.ts';

/** A stream of a plugin's own in place of the client's. */
async function wrapped(client: Duplex): Promise<Duplex> {
  const down = new PassThrough();
  down.pipe(client);
  return Duplex.from({ readable: client.pipe(new PassThrough()), writable: down });
}

test('a channel that the server closes in the middle cuts the target, wrapped or not: half an upload does not look whole', async (t) => {
  for (const wrap of [null, wrapped]) {
    const target = await startTcp(t, 0, () => undefined);
    const servers: { client: Connection; innards: Innards }[] = [];
    const rogue = await startRogue(t, {
      // Only of sshd it is known that it says EOF before it closes.
      ident: 'OpenSSH_9.2',
      welcome: (client, innards) => {
        servers.push({ client, innards });
        client.on('request' as never, ((accept: () => void) => accept()) as never);
      },
    });
    const link = await openTestLink(t, rogue, { quicken: false });
    const listen = { kind: 'tcp', host: '127.0.0.1', port: 9_000 } as const;
    let come: (incoming: Incoming) => void = () => undefined;
    const came = new Promise<Incoming>((resolve) => {
      come = resolve;
    });
    await link.listen(listen, (incoming) => come(incoming));
    const [{ client, innards } = { client: null, innards: null }] = servers;
    const opened = new Promise<ServerChannel>((resolve) =>
      client?.forwardOut('127.0.0.1', 9_000, '10.0.0.1', 4_000, ((_: unknown, one: ServerChannel) =>
        resolve(one)) as never),
    );
    const accepted = target.nextConnection();
    const channel = (await came).accept();
    const socket = await dialHere({ kind: 'tcp', host: '127.0.0.1', port: target.port }, 5_000);
    const traffic = { sent: 0, received: 0 };
    const served = splice({ socket, channel, link, traffic, wrap, client: 'there' });
    const there: Socket = await within('the connection', accepted);
    const remote = await within('the channel', opened);
    const first = once(there, 'data');
    remote.write('half of it');
    t.equal(String((await within('the half', first))[0]), 'half of it');
    const cut = fate(there);
    innards?.channelClose(idOf(remote));
    t.equal(await within('the cut', cut), 'ECONNRESET', wrap === null ? 'as it is' : 'wrapped');
    t.match(await within('its end', served), { cut: { code: 'CONNECTION_CUT' }, news: true });
  }
});
