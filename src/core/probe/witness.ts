import type { Backend } from '../model/backend.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { orAborted } from '../model/or-aborted.ts';
import type { RemoteHost } from '../model/remote.ts';
import { timeoutSignal } from '../model/timeout-signal.ts';

/** Whether what listens at a target is what was proved; false where the host does not show it. See Backend.verify. */
export type Verify = (signal: AbortSignal) => Promise<boolean>;

/** How long one look may take, ms. */
const patience = 10_000;

/** A listening socket of the host: its kernel gives no two the same inode while one of them is open. */
interface Listening {
  readonly uid: string;
  readonly inode: string;
}

/** Who listens at a target as the host's kernel shows it, and the uid of the account that looks. */
interface Shown {
  readonly own: string;
  readonly listening: readonly Listening[];
}

/**
 * Remembers who listens at a backend's target before it is proved, unless its plugin can say that itself; where that says neither yes nor no, the
 * host may. Rejects with BACKEND_FOREIGN where that is another user: he would be shown the token as soon as he has refused a wrong one.
 */
export async function witness(
  host: RemoteHost,
  { target, verify }: Pick<Backend, 'target' | 'verify'>,
  signal: AbortSignal,
): Promise<Verify> {
  let known: ReadonlySet<string> | null = null;
  let dark = false;
  const look = async (now: AbortSignal, missing: 'fine' | 'fault'): Promise<boolean> => {
    if (dark) return false;
    const shown = await readListening(host, target, now);
    if (shown === null) {
      dark = known === null;
      return false;
    }
    const { own, listening } = shown;
    const where = `port ${target.kind === 'tcp' ? target.port : '?'} on ${host.facts.remote}`;
    // root may read the token wherever it is.
    const other = listening.find(({ uid }) => uid !== own && uid !== '0');
    if (other !== undefined) {
      const text = `${where} belongs to a process of uid ${other.uid}, not to uid ${own} as which towline logs in, so it got no token; look at who listens there, or let the plugin that brings the backend say by \`verify\` that it is right`;
      throw new Fault('BACKEND_FOREIGN', text, { detail: { uid: Number(other.uid) } });
    }
    const stranger = listening.find(({ inode }) => known?.has(inode) === false);
    if (stranger !== undefined) {
      const text = `${where} has another listener than the one that was proved, of uid ${stranger.uid}, so it got no token; it is proved again, or look at who listens there`;
      throw new Fault('BACKEND_FOREIGN', text, { detail: { uid: Number(stranger.uid) } });
    }
    if (listening.length > 0) known ??= new Set(listening.map(({ inode }) => inode));
    // Where nobody was ever shown, another kernel may hold the socket, and a connection stands: the host does not show it.
    else if (missing === 'fault' && known !== null)
      throw new Fault('TARGET_REFUSED', `nothing listens on ${where}; start the backend`);
    return listening.length > 0;
  };
  if (verify === undefined) await look(signal, 'fine');
  return async (now) => (verify !== undefined && (await within(verify, now))) || look(now, 'fault');
}

/** What the plugin of a backend says by itself, for one that is shown no token: who restarts that does no harm. Null: it cannot say. */
export function ownWord({ verify }: Pick<Backend, 'verify'>): Verify | null {
  return verify === undefined ? null : (now) => within(verify, now);
}

async function within(verify: Verify, signal: AbortSignal): Promise<boolean> {
  const late = timeoutSignal(patience);
  try {
    const until = AbortSignal.any([signal, late]);
    // Whatever else a plugin says is no yes.
    return (await orAborted(verify(until), until)) === true;
  } catch (error) {
    signal.throwIfAborted();
    // It runs no commands now: that shows nobody.
    if (error instanceof Fault && error.code === 'REMOTE_REFUSED') return false;
    if (error instanceof Fault) throw error;
    const why = late.aborted
      ? `within ${patience / 1000} s`
      : `(${error instanceof Error ? error.message : String(error)})`;
    const text = `the plugin that brought the backend did not say ${why} whether it is still the one; look at the plugin`;
    throw new Fault('PROBE_FAILED', text, { cause: error });
  }
}

/** Who listens where a connection to this address of the host may end; null where that cannot be seen. */
async function readListening(host: RemoteHost, target: Endpoint, signal: AbortSignal): Promise<Shown | null> {
  if (target.kind !== 'tcp' || !/^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(target.host)) return null;
  const port = target.port.toString(16).toUpperCase().padStart(4, '0');
  const script = `[ -r /proc/net/tcp ] || exit 3
id -u || exit 3
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -i ": [0-9A-F]*:${port} [0-9A-F]*:[0-9A-F]* 0A"
exit 0`;
  const end = await host.run(script, { deadline: patience, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    // It runs no commands for this user.
    if (Fault.from(error).code === 'REMOTE_REFUSED') return null;
    throw error;
  });
  if (end === null) return null;
  if (end.late) {
    const text = `${host.facts.remote} did not show who listens within ${patience / 1000} s; look at that host`;
    throw new Fault('PROBE_FAILED', text);
  }
  if (end.code !== 0) return null;
  const [own = '', ...lines] = end.stdout.split('\n');
  const rows = lines.flatMap((line) => {
    const [, local = '', , , , , , uid, , inode] = line.trim().split(/\s+/);
    const [address = ''] = local.split(':');
    return uid === undefined || inode === undefined ? [] : [{ address, uid, inode }];
  });
  return { own: own.trim(), listening: ledTo(target.host, rows) };
}

/** Those of the listeners on a port to whom a connection to this address may come: a name of loopback may mean either family. */
function ledTo<Row extends { readonly address: string }>(host: string, rows: readonly Row[]): readonly Row[] {
  const four = host.includes(':') ? [] : nearestOf(rows, forms4(/^\d/.test(host) ? host : '127.0.0.1'));
  const six = /^\d+\./.test(host) ? [] : nearestOf(rows, forms6);
  return [...new Set([...four, ...six])];
}

/** A kernel gives a connection to who listens on its very address, before who does so on all of its family, before who does so on both. */
function nearestOf<Row extends { readonly address: string }>(
  rows: readonly Row[],
  forms: readonly RegExp[],
): readonly Row[] {
  return forms.map((form) => rows.filter(({ address }) => form.test(address))).find(({ length }) => length > 0) ?? [];
}

/** An IPv4 address as proc_net(5) prints it on either byte order, also inside an IPv6 one, then all of IPv4, then all of both. */
function forms4(address: string): readonly RegExp[] {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'));
  const inside = '(?:0{16}(?:0000FFFF|FFFF0000))?';
  return [
    new RegExp(`^${inside}(?:${bytes.join('')}|${bytes.toReversed().join('')})$`, 'i'),
    new RegExp(`^${inside}0{8}$`, 'i'),
    /^0{32}$/,
  ];
}

/** The same of ::1. */
const forms6 = [/^0{24}(?:01000000|00000001)$/, /^0{32}$/];
