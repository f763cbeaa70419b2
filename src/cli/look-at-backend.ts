import type { RemoteHost } from '../core/model/remote.ts';
import { type Choice, choosePort } from '../plugins/launch/choose-port.ts';
import { type Look, readLook } from '../plugins/launch/look.ts';
import { listBackends, type RemoteBackend } from '../plugins/launch/manage.ts';
import { common } from '../plugins/launch/scripts/common.ts';
import { follow } from '../plugins/launch/scripts/follow.ts';
import { withVariables } from '../plugins/launch/sh.ts';

/** What one look at a launched backend saw; nothing was started, ended or written for it. */
export interface SeenBackend {
  readonly backend: RemoteBackend;
  /** Its state folder there. */
  readonly dir: string;
  /** Null where it does not live. */
  readonly look: Look | null;
  /** Where it listens, if it does. */
  readonly choice: Choice;
}

const waiting: Choice = { is: 'waiting' };

/** Says where the state folder of `$name` is; makes none. */
const place = `${common}
cd "$base/$name" || quit none
say "$(pwd)"
`;

/** Looks whether a launched backend lives and listens; null: there never was one. Rejects with what RemoteHost.run rejects with. */
export async function lookAtBackend(host: RemoteHost, name: string, signal: AbortSignal): Promise<SeenBackend | null> {
  const backend = (await listBackends(host, name)).find((one) => one.name === name);
  if (backend === undefined) return null;
  const dir = (await host.run(withVariables({ name }, place), { signal })).stdout.split('\n')[0] ?? '';
  const { run } = backend;
  if (backend.state !== 'live' || run === null) return { backend, dir, look: null, choice: waiting };
  const look = await firstLook(host, dir, run, signal);
  const steady = Number.POSITIVE_INFINITY;
  const choice = choosePort(look, { given: backend.port, printed: null, prints: false, steady });
  return { backend, dir, look, choice };
}

/** The script goes on looking; one look is enough. */
async function firstLook(host: RemoteHost, dir: string, run: string, signal: AbortSignal): Promise<Look> {
  const enough = new AbortController();
  let said = '';
  const heard = (chunk: Buffer) => {
    said += chunk.toString('utf8');
    if (/^\.$/m.test(said)) enough.abort(new Error('seen enough'));
  };
  await host
    .run(withVariables({ dir, run, from: 'end', seconds: '5' }, follow), {
      most: 0,
      signal: AbortSignal.any([signal, enough.signal]),
      onStdout: () => undefined,
      onStderr: heard,
    })
    .catch((error: unknown) => {
      if (!enough.signal.aborted || signal.aborted) throw error;
    });
  return readLook((said.split(/^\.$/m)[0] ?? '').split('\n'));
}
