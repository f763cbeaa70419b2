import type { Backend } from '../model/backend.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { orAborted } from '../model/or-aborted.ts';
import type { RemoteHost } from '../model/remote.ts';

/** Whether what listens at a target is what was proved; false where the host does not show it. See Backend.verify. */
export type Verify = (signal: AbortSignal) => Promise<boolean>;

/** How long one look may take, ms. */
const patience = 10_000;

/** A listening socket of the host: its kernel gives no two the same inode while one of them is open. */
interface Listening {
  readonly uid: string;
  readonly inode: string;
}

/** Remembers who listens at a backend's target before it is proved, unless its plugin can say that itself. */
export async function witness(host: RemoteHost, { target, verify }: Backend, signal: AbortSignal): Promise<Verify> {
  if (verify !== undefined) return (now) => within(verify, now);
  const proved = await readListening(host, target, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    // It runs no commands for this user.
    if (Fault.from(error).code === 'REMOTE_REFUSED') return null;
    throw error;
  });
  if (proved === null || proved.length === 0) return async () => false;
  const known = new Set(proved.map(({ inode }) => inode));
  return async (now) => {
    const there = await readListening(host, target, now);
    if (there === null) return false;
    const stranger = there.find(({ inode }) => !known.has(inode));
    if (stranger === undefined && there.length > 0) return true;
    const where = `port ${target.kind === 'tcp' ? target.port : '?'} on ${host.facts.remote}`;
    if (stranger === undefined) throw new Fault('TARGET_REFUSED', `nothing listens on ${where}; start the backend`);
    const text = `${where} has another listener than the one that was proved, of uid ${stranger.uid}, so it got no token; it is proved again, or look at who listens there`;
    throw new Fault('BACKEND_FOREIGN', text, { detail: { uid: Number(stranger.uid) } });
  };
}

async function within(verify: Verify, signal: AbortSignal): Promise<boolean> {
  const late = AbortSignal.timeout(patience);
  try {
    const until = AbortSignal.any([signal, late]);
    // Whatever else a plugin says is no yes.
    return (await orAborted(verify(until), until)) === true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    const why = late.aborted
      ? `within ${patience / 1000} s`
      : `(${error instanceof Error ? error.message : String(error)})`;
    const text = `the plugin that brought the backend did not say ${why} whether it is still the one; look at the plugin`;
    throw new Fault('PROBE_FAILED', text, { cause: error });
  }
}

/** Who listens where a connection to this address of the host may end; null where that cannot be seen. */
async function readListening(
  host: RemoteHost,
  target: Endpoint,
  signal: AbortSignal,
): Promise<readonly Listening[] | null> {
  if (target.kind !== 'tcp' || !/^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(target.host)) return null;
  const port = target.port.toString(16).toUpperCase().padStart(4, '0');
  const script = `[ -r /proc/net/tcp ] || exit 3
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -i ": [0-9A-F]*:${port} [0-9A-F]*:[0-9A-F]* 0A"
exit 0`;
  const { code, stdout, late } = await host.run(script, { deadline: patience, signal });
  if (late) {
    const text = `${host.facts.remote} did not show who listens within ${patience / 1000} s; look at that host`;
    throw new Fault('PROBE_FAILED', text);
  }
  if (code !== 0) return null;
  return stdout.split('\n').flatMap((line) => {
    const [, local = '', , , , , , uid, , inode] = line.trim().split(/\s+/);
    return uid !== undefined && inode !== undefined && isLoopback(local) ? [{ uid, inode }] : [];
  });
}

/** Whether a connection to loopback may end there: all addresses, or one of loopback's, as proc_net(5) prints them on either byte order. */
function isLoopback(local: string): boolean {
  const [address = ''] = local.split(':');
  if (/^0+$/.test(address)) return true;
  const word = address.slice(-8);
  const mapped = address.length === 8 || /^0{16}(?:0000FFFF|FFFF0000)/.test(address);
  if (mapped) return word === '00000000' || word.startsWith('7F') || word.endsWith('7F');
  return /^0{24}(?:01000000|00000001)$/.test(address);
}
