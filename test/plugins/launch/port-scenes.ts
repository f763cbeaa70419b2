import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { type LaunchHost, stateFile } from '../../fixtures/launch-host.ts';
import { launching } from '../../fixtures/launching.ts';
import { openTestLink } from '../../fixtures/link.ts';
import { lurkerCode } from '../../fixtures/lurker.ts';
import { speak } from '../../fixtures/mains-client.ts';
import { supervise } from '../../fixtures/supervised.ts';
import { freePort } from '../../fixtures/port.ts';
import { makeTemp } from '../../fixtures/temp.ts';
import { recipe } from './fault-scenes.ts';

// Where a launched backend is, and who else has its port, on whatever host it is; see fault-scenes.

/** F86 */
export async function takesAnotherPort(t: Test, host: LaunchHost): Promise<void> {
  // Somebody else takes the port between the look at it and the start: he is no child of the run, and does not bear its mark.
  const squat = '(env -u TOWLINE_RUN setsid "$NODE" -e "$SQUATTER" </dev/null >~/squatted 2>&1 &)';
  const plugin = {
    use: 'launch',
    name: 'moved',
    recipe: 'mains',
    command: `${squat}; until grep -qs listening ~/squatted; do sleep 0.05; done; exec ${host.backend} serve`,
    env: { NODE: host.node, SQUATTER: lurkerCode('{port}') },
  };
  const health = { kind: 'backend', every: '1s', timeout: '500ms' };
  const forwards = [{ listen: 0, target: 'backend', health }];
  const relays = await supervise(t, host, { moved: { host: 'test', forwards, plugins: [plugin] } });
  const { standing, lanes } = await relays.reach('moved', 'connected', 60_000);
  t.equal(standing.verified, true);
  const given = Number(/^port (\d+)$/m.exec(await stateFile(host, 'moved', 'run'))?.[1]);
  const printed = Number(/listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(await stateFile(host, 'moved', 'log.1'))?.[1]);
  t.ok(given > 0 && printed > 0 && printed !== given, `${given} ${printed}`);
  t.match(lanes[0]?.backend, { adopted: false, target: { port: printed } });

  const token = relays.supervisor.token('moved').token?.reveal() ?? 'none';
  t.equal(await speak(relays.port('moved'), token, 'hello'), 'hello');
  t.equal(await speak(relays.port('moved'), 'wrong', 'hello'), 401);
  // A check, and a link that adopts it, go there as well.
  const since = relays.supervisor.status().id;
  await relays.supervisor.restartRelay('moved');
  await relays.next(
    'the same run',
    (event) => event.type === 'backend.ready' && event.backend?.adopted === true,
    since,
  );
  await relays.reach('moved', 'connected', 60_000);
  t.match(relays.status('moved').lanes[0]?.backend, { run: lanes[0]?.backend?.run, target: { port: printed } });
  t.equal(await speak(relays.port('moved'), token, 'again'), 'again');
  t.equal(await host.sh('cat ~/squatted'), 'listening\n', 'no connection, and no byte, went to who has the given port');
  await t.resolves(host.sh('"$1" -e "$2"', host.node, dialCode(given)), 'he is there, and would have told');
  t.match(await host.sh('cat ~/squatted'), /^listening\nclient\nhere/);
}

/** Connects to a port and says something, for `node -e`; ends when it was answered. */
const dialCode = (port: number) =>
  `require('net').connect(${port}, '127.0.0.1').once('data', () => process.exit()).write('here')`;

/** T60, T62 */
export async function isSquatted(t: Test, host: LaunchHost): Promise<void> {
  const { port, pid } = await host.squat(t);
  const { up } = await launching(t, await openTestLink(t, host), {
    name: 'squatted',
    command: `echo "listening on ws://127.0.0.1:${port}"; echo "pairing token: x1"; exec sleep 1000`,
    recipe,
    deadline: '8s',
  });
  await t.rejects(up(), {
    code: 'BACKEND_FOREIGN',
    message: new RegExp(
      `^port ${port} on .* belongs to a process of uid \\d+ .*, pid ${pid}, .*, not to the backend squatted`,
    ),
  });
}

/** T59 */
export async function printsAnotherHost(t: Test, host: LaunchHost): Promise<void> {
  const { up, warnings } = await launching(t, await openTestLink(t, host), {
    name: 'evil',
    command: `${says(['evil.test:80', '169.254.169.254:80', '127.0.0.1.evil.test:80'])}; exec ${host.backend} serve --port={port}`,
    recipe: { prints: recipe.prints, token: { from: 'output', pattern: '(?:pairing token: |[?&]token=)(\\S+)' } },
    env: { MAINS_SERVE_TOKEN: 'its-own' },
  });
  const { target, token } = await up();
  t.ok(target.kind === 'tcp' && target.host === '127.0.0.1' && target.port >= 20_000);
  t.equal(token?.reveal(), 'its-own');
  t.match(warnings, [
    /it printed an address of another host, evil\.test, which is not believed$/,
    /it printed an address of another host, 169\.254\.169\.254, which is not believed$/,
    /it printed an address of another host, 127\.0\.0\.1\.evil\.test, which is not believed$/,
  ]);

  // Somebody listens there.
  const { port: foreign } = await host.squat(t);
  const port = await freePort();
  const other = await launching(t, await openTestLink(t, host), {
    name: 'elsewhere',
    command: `${says([`127.0.0.1:${foreign}`])}; exec ${host.backend} serve --port={port}`,
    recipe: { prints: recipe.prints, token: { from: 'output', pattern: '(?:pairing token: |[?&]token=)(\\S+)' } },
    env: { MAINS_SERVE_TOKEN: 'its-own' },
    port,
  });
  const backend = await other.up();
  t.match(backend.target, { host: '127.0.0.1', port });
  t.equal(backend.token?.reveal(), 'its-own');
  t.match(other.warnings, [
    new RegExp(`it printed port ${foreign}, and was told to use ${port}$`),
    new RegExp(`it printed a token for port ${foreign}, which is not believed: it was told to use ${port}$`),
  ]);
}

function says(places: readonly string[]): string {
  return places.map((place) => `echo "listening on ws://${place}/?token=stolen"`).join('; ');
}

/** T60, T62: what was launched is ours, and still not what its recipe says. */
export async function answersAnyone(t: Test, host: LaunchHost): Promise<void> {
  const door = { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/' };
  const recipe = { token: { from: 'environment', name: 'ANY_TOKEN' }, door };
  const launched = (name: string, status: string) => {
    const env = { CODE: lurkerCode('{port}', status) };
    const plugins = [{ use: 'launch', name, recipe, command: `exec ${host.node} -e "$CODE"`, env }];
    return { host: 'test', forwards: ['0:backend'], plugins };
  };
  const cases = [
    ['yes', '200 OK', /accepts any token \(it answers 200 to a random one\)/],
    ['absent', '404 Not Found', /answers 404 to a random token, where the backend answers 400, 401, 403/],
    ['broken', '500 Internal Server Error', /answers 500 to a random token, where/],
  ] as const;
  const relays = await supervise(
    t,
    host,
    Object.fromEntries(cases.map(([name, status]) => [name, launched(name, status)])),
  );
  for (const [name, , message] of cases) {
    const isTold = (event: Event) =>
      event.type === 'lane.advanced' && event.relay === name && /^try 1 of 5: /.test(event.note ?? '');
    const told = await relays.next(`the news of ${name}`, isTold, 0, 60_000);
    t.match(told, { note: message });
    t.not(relays.status(name).standing.word, 'connected');
  }
  for (const [name, , message] of cases) {
    const { standing } = await relays.reach(name, 'blocked', 60_000);
    t.match(standing.fault, { code: 'BACKEND_FOREIGN', message });
    const seen = await stateFile(host, name, 'log.1');
    t.match(seen, /GET \/\?token=[\w-]{43} HTTP/, 'a random one was shown');
    t.notMatch(seen, (await stateFile(host, name, 'token')).trim(), 'the real one never');
  }
}

/** T60, T62: one of the same user that was there before, with another token. */
export async function meetsAnOlderOne(t: Test, host: LaunchHost): Promise<void> {
  const started = await host.sh(
    `f=$(mktemp); MAINS_SERVE_TOKEN=an-older-one setsid ${host.backend} serve >$f 2>&1 & until grep -o '127.0.0.1:.*' $f; do sleep 0.05; done; echo "pid $!"`,
  );
  const [, port, pid] = (/:(\d+)\npid (\d+)/.exec(started) ?? []).map(Number);
  t.teardown(() => host.sh('kill -9 "$1" || :', String(pid)));
  const door = {
    kind: 'websocket',
    path: '/',
    wire: { in: 'subprotocol', protocols: ['mains.v1'], before: 'mains.token.' },
  };
  const folder = makeTemp(t, 'attach');
  const [attach, token] = [join(folder, 'attach.mjs'), join(folder, 'token')];
  const brought = JSON.stringify({ target: { kind: 'tcp', host: '127.0.0.1', port }, door });
  writeFileSync(attach, `export default { name: 'attach', relay: () => ({ backend: () => (${brought}) }) };`, {
    mode: 0o600,
  });
  writeFileSync(token, 'a-newer-one', { mode: 0o600 });
  const relayOf = (...plugins: object[]) => ({ host: 'test', forwards: ['0:backend'], plugins });
  const mains = { use: 'launch', recipe: 'mains' };
  const relays = await supervise(t, host, {
    taken: relayOf({ ...mains, name: 'taken', command: `exec ${host.backend} serve --port={port}`, port }),
    attached: relayOf({ use: attach }, { use: 'token', from: 'local-file', path: token }),
    // What started it gave it the older token: it is ours, and still not the one that it should be.
    own: relayOf({
      ...mains,
      name: 'own',
      command: `MAINS_SERVE_TOKEN=an-older-one exec ${host.backend} serve --port={port}`,
    }),
  });
  const cases = [
    [
      'taken',
      'LAUNCH_PORT_TAKEN',
      new RegExp(`^port ${port} on .* is taken by a process of uid \\d+ .*, pid ${pid}, `),
    ],
    [
      'attached',
      'TOKEN_REFUSED',
      /^the backend answers 401 to the relay's token, as to a wrong one; set the right one/,
    ],
    ['own', 'TOKEN_REFUSED', /^the backend answers 401 to the relay's token, as to a wrong one; set the right one/],
  ] as const;
  for (const [name, code, message] of cases) {
    t.match((await relays.reach(name, 'blocked', 60_000)).standing.fault, { code, message }, name);
  }
  t.notOk(relays.events.some(({ type }) => type === 'backend.ready'));
  t.equal(await host.sh('kill -0 "$1" && echo alive', String(pid)), 'alive\n', 'nobody ended it');
}
