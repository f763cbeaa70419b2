import { connect } from 'node:net';
import { join } from 'node:path';
import type { Folders } from '../../src/control/folders.ts';
import { type Control, startControl } from '../../src/control/server.ts';
import { makeTemp, type Owner } from '../fixtures/temp.ts';
import { type StandIn, standIn } from './supervisor-stand-in.ts';

/** A control API inside the test. */
export interface Served {
  readonly folders: Folders;
  readonly supervisor: StandIn;
  readonly control: Control;
  /** Each `down` that arrived: was it `now`? */
  readonly downs: boolean[];
}

/** Folders of the test's own. */
export function ownFolders(t: Owner): Folders {
  const dir = makeTemp(t);
  const runtime = join(dir, 'run');
  return { runtime, state: join(dir, 'state'), socket: join(runtime, 'towline.sock'), log: join(dir, 'state', 'log') };
}

/** Serves a stand-in until the test ends. */
export async function serve(t: Owner, folders: Folders = ownFolders(t)): Promise<Served> {
  const supervisor = standIn();
  const downs: boolean[] = [];
  const control = await startControl({
    folders,
    supervisor,
    version: '1.2.3',
    down: (now) => downs.push(now),
    reload: async (touch) => {
      supervisor.told.push(`reload ${touch}`);
      return supervisor.reload(async () => supervisor.config, touch);
    },
    watch: 50,
  });
  t.teardown(() => control.close());
  return { folders, supervisor, control, downs };
}

/** Sends bytes as they are and gives back all that comes until the server closes. */
export function speak(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path, () => socket.write(text));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // The server may close while we still write; what it said before counts.
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') resolve(answer);
      else reject(error);
    });
    socket.once('close', () => resolve(answer));
  });
}
