import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { test } from 'tap';
import { parseOptions } from '../../../src/plugins/launch/options.ts';
import { planLaunch } from '../../../src/plugins/launch/plan.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { HERE, launching, startSquatter, stateFolder } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { freePort } from '../../fixtures/port.ts';
import { openRemoteHost } from '../../fixtures/remote-host.ts';
import { startSshd } from '../../fixtures/sshd.ts';
import type { Owner } from '../../fixtures/temp.ts';
import { waitUntil } from '../../fixtures/wait.ts';

const mains = { recipe: 'mains', command: `exec ${HERE} serve --port={port}` };

test('a fixed port that is taken is refused by name, and nothing is started', async (t) => {
  const sshd = await startSshd(t);
  const port = await startSquatter(t);
  const fixed = await launching(t, await openTestLink(t, sshd), { ...mains, port });
  await t.rejects(fixed.up(), {
    code: 'LAUNCH_PORT_TAKEN',
    message: new RegExp(
      `^port ${port} on .* is taken by a process of uid ${process.getuid?.()} \\(.*\\), pid ${process.pid}, `,
    ),
  });
  t.notOk(readdirSync(stateFolder(sshd.home, 'box')).includes('run'), 'nothing was started');
});

/** What has a port, in each of the ways that keep a backend from it. */
const takers: readonly ((t: Owner, port: number) => Promise<unknown>)[] = [
  startSquatter,
  async (t, port) => {
    const server = createServer().listen({ port, host: '::1', ipv6Only: true });
    t.teardown(() => server.close());
    await once(server, 'listening');
  },
  // An outgoing connection of somebody's.
  async (t, port) => {
    const echo = await startEcho(t);
    const socket = connect({ port: echo.port, host: '127.0.0.1', localPort: port, localAddress: '127.0.0.1' });
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
  },
];

test('a free port is the first of the candidates that nobody has, whatever has those before it', async (t) => {
  const sshd = await startSshd(t);
  const host = await openRemoteHost(t, sshd);
  const { script, token } = planLaunch('box', parseOptions(mains), false);
  t.match(script, /^ports='[23]\d{4}(?: [23]\d{4}){39}'$/m, 'its own are random');
  const free = await freePort();
  const taken: number[] = [];
  for (const take of takers) {
    const port = await freePort();
    await take(t, port);
    taken.push(port);
  }
  const candidates = [...taken, free, await freePort()].join(' ');
  let said = '';
  const over = new AbortController();
  const run = host.run(script.replace(/^ports=.*$/m, `ports='${candidates}'`), {
    stdin: `${token?.reveal()}\n`,
    signal: over.signal,
    onStdout: (chunk) => {
      said += chunk.toString();
    },
  });
  run.catch(() => undefined);
  await waitUntil('the end of what it says', () => /^end$/m.test(said));
  t.match(said, new RegExp(`^port ${free}$[^]*^launched$`, 'm'));
  // And that is where it is found.
  const { up } = await launching(t, await openTestLink(t, sshd), mains);
  t.match(await up(), { adopted: true, target: { kind: 'tcp', host: '127.0.0.1', port: free } });
  over.abort(new Error('it was read'));
});
