import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import type { Event } from '../../src/core/model/event.ts';
import { type Namespace, startNamespace } from '../fixtures/namespace.ts';
import { type Sshd, startSshd } from '../fixtures/sshd.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { type Relays, startRelays } from './relays.ts';

/** A daemon and an sshd in a network of their own. Clients and target meet it by Unix sockets: no fault of the network is theirs. */
export interface LinkScene {
  readonly namespace: Namespace;
  readonly sshd: Sshd;
  readonly relays: Relays;
  /** Path of the listener of the relay `r`, which leads to an echo. */
  readonly echo: string;
  /** The same for a target that reads and forgets. */
  readonly sink: string;
  /** What iptables(8) knows packets to the server, and back from it, by. */
  readonly to: string;
  readonly from: string;
}

/** What a scene begins with before there is a daemon. */
export type Stage = Omit<LinkScene, 'relays'>;

/** What else may differ. */
export interface SceneOptions {
  /** Runs when sshd is there and the daemon is not. */
  readonly before?: (stage: Stage) => Promise<unknown>;
  /** Of the daemon. */
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of sshd_config. */
  readonly config?: readonly string[];
  /** Runs in the server's network before there is an sshd. */
  readonly prepare?: (namespace: Namespace) => Promise<unknown>;
  /** Another network for the daemon than the server's. */
  readonly client?: Namespace;
  /** Relays beside `r`. */
  readonly others?: object;
}

/** `over` is put over the settings of the relay `r`. */
export async function startScene(t: Owner, over: object = {}, options: SceneOptions = {}): Promise<LinkScene> {
  const { before = async () => undefined, env = {}, config = [], others = {} } = options;
  const namespace = await startNamespace(t);
  await options.prepare?.(namespace);
  const sshd = await startSshd(t, { under: namespace.enter, config });
  const dir = makeTemp(t, 'link');
  const listen = (name: string) => join(dir, name);
  await serveUnix(t, listen('echo-target'), true);
  await serveUnix(t, listen('sink-target'), false);
  const forward = (name: string) => ({ listen: `unix:${listen(name)}`, target: `unix:${listen(`${name}-target`)}` });
  const stage = {
    namespace,
    sshd,
    echo: listen('echo'),
    sink: listen('sink'),
    to: `INPUT -p tcp --dport ${sshd.port}`,
    from: `INPUT -p tcp --sport ${sshd.port}`,
  };
  await before(stage);
  const relays = await startRelays(
    t,
    sshd,
    { r: { host: 'test', forwards: [forward('echo'), forward('sink')], hold: { time: '30s' }, ...over }, ...others },
    { under: (options.client ?? namespace).enter, env },
  );
  return { ...stage, relays };
}

async function serveUnix(t: Owner, path: string, answers: boolean): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    if (answers) pipeline(socket, socket, () => undefined);
    else socket.resume();
    t.teardown(() => socket.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
}

export const leftUp = (event: Event): boolean => event.type === 'lane.changed' && event.state.at !== 'up';
/** What a link that is only slow must not cost. A doubt is told when a second login begins, not when the link is asked for a sign of life. */
export const shaken = (event: Event): boolean =>
  leftUp(event) || event.type === 'link.doubted' || event.type === 'link.replaced';
export const waits = (event: Event): boolean => event.type === 'lane.changed' && event.state.at === 'waiting';
export const linked = (event: Event): boolean => event.type === 'link.opened';

/** How many logins a server has let in. */
export const loginsAt = (sshd: Sshd): number => sshd.log().match(/Accepted publickey/g)?.length ?? 0;
