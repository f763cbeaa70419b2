import { channel } from 'node:diagnostics_channel';
import { chmodSync, lstatSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { openClient } from '../../src/control/client.ts';
import { type ControlOptions, startControl } from '../../src/control/server.ts';
import { Fault } from '../../src/core/model/fault.ts';
import { waitUntil } from '../fixtures/wait.ts';
import { forbidden } from './forbidden.ts';
import { ownFolders, type Served, serve, speak } from './served.ts';
import { standIn } from './supervisor-stand-in.ts';

const start = ({ folders }: Pick<Served, 'folders'>) => {
  const supervisor = standIn();
  const reload: ControlOptions['reload'] = (touch) => supervisor.reload(async () => supervisor.config, touch);
  return startControl({ folders, supervisor, version: '2', down: () => undefined, reload });
};

/** Status and body of one request, written by hand. */
async function call(
  served: Served,
  request: string,
  headers = 'Host: towline\r\n',
): Promise<{ status: number; body: unknown }> {
  const text = await speak(served.folders.socket, `${request} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);
  const body = text.slice(text.indexOf('\r\n\r\n') + 4).replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, '');
  return { status: Number(text.split(' ')[1]), body: body === '' ? null : JSON.parse(body) };
}

test('the socket is ours alone, and gone after the end', async (t) => {
  const served = await serve(t);
  const stats = lstatSync(served.folders.socket);
  t.ok(stats.isSocket());
  t.equal(stats.mode & 0o777, 0o600);
  t.equal(lstatSync(served.folders.runtime).mode & 0o777, 0o700);
  await served.control.close();
  await served.control.close();
  t.notOk(readdirSync(served.folders.runtime).includes('towline.sock'));
});

test('version and status are answered', async (t) => {
  const served = await serve(t);
  t.match(await call(served, 'GET /v1/version'), {
    status: 200,
    body: { version: '1.2.3', pid: process.pid, config: '/etc/towline.json' },
  });
  t.match(await call(served, 'GET /v1/status'), {
    status: 200,
    body: { relays: [{ name: 'dev-box', host: 'devbox', standing: { word: 'connecting' } }] },
  });
});

test('relays are steered, and an unknown one is a 404 with its code', async (t) => {
  const served = await serve(t);
  for (const verb of ['start', 'stop', 'restart']) {
    t.match(await call(served, `POST /v1/relays/dev-box/${verb}`), { status: 200, body: { name: 'dev-box' } });
  }
  t.same(served.supervisor.told, ['start dev-box', 'stop dev-box', 'restart dev-box']);
  t.match(await call(served, 'POST /v1/relays/x%2Fy/stop'), {
    status: 404,
    body: { code: 'RELAY_UNKNOWN', message: /"x\/y"/, detail: {} },
  });
});

test('what changes something is never a GET, and an unknown route names itself', async (t) => {
  const served = await serve(t);
  for (const path of ['/v1/down', '/v1/relays/dev-box/stop', '/', '/v1/../v1/nothing']) {
    t.match(
      await call(served, `GET ${path}`),
      { status: 400, body: { code: 'USAGE', message: /^there is no GET/ } },
      path,
    );
  }
  t.same(served.supervisor.told, []);
  t.same(served.downs, []);
});

test('reload says what has changed, and hears whose links may end', async (t) => {
  const served = await serve(t);
  t.match(await call(served, 'POST /v1/reload'), { status: 200, body: { applied: true, unchanged: ['dev-box'] } });
  await call(served, 'POST /v1/reload?touch=');
  await call(served, 'POST /v1/reload?touch=a,dev-box');
  await openClient(served.folders.socket).reload(['dev-box', 'b']);
  t.same(served.supervisor.told, ['reload all', 'reload ', 'reload a,dev-box', 'reload dev-box,b']);
});

test('down is agreed to before it is done', async (t) => {
  const served = await serve(t);
  t.match(await call(served, 'POST /v1/down'), { status: 202, body: { pid: process.pid } });
  t.match(await call(served, 'POST /v1/down?now=1'), { status: 202 });
  await waitUntil('both arrive', () => served.downs.length === 2);
  t.same(served.downs, [false, true]);
});

for (const [what, headers, status] of forbidden) {
  test(`a request with ${what} is refused with ${status}, on every path`, async (t) => {
    const served = await serve(t);
    for (const request of ['POST /v1/down', 'POST /v1/relays/dev-box/stop', 'GET /v1/events', 'GET /nothing']) {
      const answer = await speak(served.folders.socket, `${request} HTTP/1.1\r\n${headers}\r\n`);
      t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), request);
      if (status === 403) t.match(answer, /"code":"REQUEST_FORBIDDEN"/, request);
      t.notMatch(answer, /access-control/i);
    }
    t.same(served.supervisor.told, []);
    t.same(served.downs, []);
  });
}

test('what is no HTTP is answered with 400 and closed', async (t) => {
  const served = await serve(t);
  t.match(await speak(served.folders.socket, 'SSH-2.0-wrong\r\n\r\n'), /^HTTP\/1.1 400 /);
  t.match(await call(served, 'GET /v1/version'), { status: 200 });
});

test('a second daemon is told who runs, and harms nothing', async (t) => {
  const served = await serve(t);
  const fault = await start(served).catch((error: unknown) => error);
  t.ok(fault instanceof Fault);
  t.match(fault, {
    code: 'ALREADY_RUNNING',
    message: `a towline daemon runs already (pid ${process.pid}, config /etc/towline.json)`,
    detail: { pid: process.pid },
  });
  t.equal((await openClient(served.folders.socket).version()).version, '1.2.3');
  t.same(left(served), ['lock.1', 'towline.sock']);
});

test('of ten daemons started at once one runs', async (t) => {
  const folders = ownFolders(t);
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => start({ folders })));
  const running = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  t.equal(running.length, 1);
  for (const one of results) if (one.status === 'rejected') t.equal(one.reason.code, 'ALREADY_RUNNING');
  t.equal((await openClient(folders.socket).version()).version, '2');
  for (const one of running) await one.close();
});

test('what a dead daemon left behind is taken over', async (t) => {
  const first = await serve(t);
  await first.control.close();
  // Its lock stays as a tombstone; a socket name that was not freed is as dead.
  symlinkSync('lock.1', first.folders.socket);
  const second = await serve(t, first.folders);
  t.ok(lstatSync(second.folders.socket).isSocket());
  t.equal((await openClient(second.folders.socket).version()).version, '1.2.3');
  t.same(left(second), ['lock.2', 'towline.sock']);
});

test('a file in the place of the socket is replaced', async (t) => {
  const folders = ownFolders(t);
  const first = await serve(t, folders);
  await first.control.close();
  writeFileSync(folders.socket, 'old');
  await serve(t, folders);
  t.ok(lstatSync(folders.socket).isSocket());
});

test('a deleted socket comes back, the same daemon behind it', async (t) => {
  const served = await serve(t);
  unlinkSync(served.folders.socket);
  await back(t, served);
  t.same(left(served), ['lock.1', 'towline.sock']);
  t.match(served.supervisor.told, [/^warned somebody removed the control socket .*towline\.sock; it is there again$/]);
});

test('a deleted folder comes back with its socket', async (t) => {
  const served = await serve(t);
  rmSync(served.folders.runtime, { recursive: true });
  await back(t, served);
  t.equal(lstatSync(served.folders.runtime).mode & 0o777, 0o700);
  t.match(served.supervisor.told, [/^warned somebody removed/]);
  t.equal(((await start(served).catch((error: unknown) => error)) as Fault).code, 'ALREADY_RUNNING');
});

for (const mode of [0o755, 0o500, 0o000]) {
  const shown = mode.toString(8).padStart(4, '0');
  test(`a folder whose mode somebody made ${shown} has its own again`, async (t) => {
    const served = await serve(t);
    chmodSync(served.folders.runtime, mode);
    await waitUntil('its mode is back', () => (lstatSync(served.folders.runtime).mode & 0o777) === 0o700);
    await waitUntil('it was told', () => served.supervisor.told.length > 0);
    t.same(served.supervisor.told, [
      `warned somebody set ${served.folders.runtime} to mode ${shown}; it is 0700 again`,
    ]);
    await back(t, served);
  });
}

test('a file where the runtime folder should be is a fault that names it', async (t) => {
  const folders = ownFolders(t);
  const inTheWay = { ...folders, runtime: folders.state, socket: join(folders.state, 'towline.sock') };
  writeFileSync(folders.state, '');
  const fault = (await start({ folders: inTheWay }).catch((error: unknown) => error)) as Fault;
  t.equal(fault.code, 'RUNTIME_UNSAFE');
  t.match(fault.message, folders.state);
});

function left(served: Served): readonly string[] {
  return readdirSync(served.folders.runtime).sort();
}

async function back(t: Test, served: Served): Promise<void> {
  const client = openClient(served.folders.socket);
  await waitUntil('the socket comes back', () =>
    client.version().then(
      () => true,
      () => false,
    ),
  );
  t.equal((await client.version()).version, '1.2.3');
  t.equal(lstatSync(served.folders.socket).mode & 0o777, 0o600);
}

test('a client that cannot be accepted is told of, not each time, and the others are served', async (t) => {
  const served = await serve(t);
  const started = channel('http.server.request.start');
  const found: Server[] = [];
  const seen = (message: unknown) => void found.push((message as { readonly server: Server }).server);
  started.subscribe(seen);
  t.teardown(() => started.unsubscribe(seen));
  t.match(await call(served, 'GET /v1/version'), { status: 200 });
  const [server] = found;
  // As Node does where accept(2) fails. libuv hides most of EMFILE, for as long as it has a descriptor in reserve.
  for (let count = 0; count < 3; count += 1) server?.emit('error', new Error('accept ENOMEM'));
  t.match(served.supervisor.told, [
    /^warned .*towline\.sock could not accept a client \(accept ENOMEM\); raise the limit of open files/,
  ]);
  t.equal(served.supervisor.told.length, 1);
  t.match(await call(served, 'GET /v1/version'), { status: 200 });
});
