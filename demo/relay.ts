import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { locateFolders } from '../src/control/folders.ts';
import { Fault } from '../src/core/model/fault.ts';
import type { Standing } from '../src/core/model/standing.ts';
import { type Daemon, startDaemon } from '../src/daemon.ts';

/** towline's daemon with one relay, in folders of its own. */
export interface DemoRelay {
  /** Where it listens; chosen by the daemon. */
  readonly port: number;
  /** The relay's word and the reason beside it. */
  standing(): Standing;
  close(): Promise<void>;
}

/** What the relay leads to, and who is told how it is. */
export interface DemoRelayOptions {
  readonly dir: string;
  readonly target: number;
  readonly sshPort: number;
  readonly hostPublicKey: string;
  readonly identity: string;
  /** Called when the relay's word has changed. */
  readonly onWord: (standing: Standing) => void;
}

/** Writes config, ssh_config and known_hosts into `dir`, then starts the real daemon on them. Nothing of ~/.ssh is read. */
export async function startRelay(options: DemoRelayOptions): Promise<DemoRelay> {
  const { dir } = options;
  const [config, sshConfig] = [join(dir, 'towline.json'), join(dir, 'ssh_config')];
  const write = (file: string, text: string): void => writeFileSync(file, text, { mode: 0o600 });
  const forward = { listen: '127.0.0.1:0', target: `127.0.0.1:${options.target}` };
  write(config, `${JSON.stringify({ relays: { demo: { host: 'demo', forwards: [forward] } } }, null, 2)}\n`);
  write(sshConfig, sshConfigText(options));
  const [type, key] = options.hostPublicKey.split(' ');
  write(join(dir, 'known_hosts'), `[127.0.0.1]:${options.sshPort} ${type} ${key}\n`);

  const env = { TOWLINE_RUNTIME_DIR: join(dir, 'run'), XDG_STATE_HOME: join(dir, 'state') };
  for (const folder of Object.values(env)) mkdirSync(folder, { mode: 0o700 });
  const folders = locateFolders({ env, home: dir, uid: process.getuid?.() ?? 0, userRuntime: join(dir, 'none') });
  const daemon = await startDaemon({ config, sshConfig, folders });
  const standing = (): Standing => onlyRelay(daemon).standing;
  let word = '';
  daemon.subscribe(0, () => {
    const now = standing();
    if (now.word === word) return;
    word = now.word;
    options.onWord(now);
  });
  const listen = onlyRelay(daemon).forwards[0]?.listen;
  return {
    port: listen?.kind === 'tcp' ? listen.port : 0,
    standing,
    async close() {
      const closed = daemon.close('the demo ends');
      // The demo has nobody whose connections would have to be drained.
      daemon.now();
      await closed;
    },
  };
}

function onlyRelay(daemon: Daemon): ReturnType<Daemon['status']>['relays'][number] {
  const [relay] = daemon.status().relays;
  if (relay === undefined) throw new Fault('RELAY_UNKNOWN', 'the demo has lost its relay; please report it');
  return relay;
}

const sshConfigText = ({ dir, sshPort, identity }: DemoRelayOptions): string =>
  [
    'Host demo',
    '  HostName 127.0.0.1',
    `  Port ${sshPort}`,
    '  User demo',
    `  IdentityFile ${identity}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${join(dir, 'known_hosts')}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '',
  ].join('\n');
