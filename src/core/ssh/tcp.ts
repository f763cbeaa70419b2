import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { adaptiveRead } from '../socket/adaptive-read.ts';
import { formatAddress } from '../model/endpoint.ts';
import { Fault } from '../model/fault.ts';
import { connectFault } from './login/errors.ts';
import type { HostConfig } from './resolve/host-config.ts';

/** Where to connect to, and from. */
export type TcpTarget = Pick<HostConfig, 'hostName' | 'port' | 'addressFamily' | 'bindAddress'>;

/** An address to connect to, with the one of ours to connect from; null: the kernel chooses. */
interface Way {
  readonly to: string;
  readonly from: string | null;
}

/** When the next address is tried beside those that have not answered yet (RFC 8305 section 5: Connection Attempt Delay), ms. */
const stagger = 250;

/**
 * Connects to an SSH server with Nagle off. Its addresses race, both families in turn (RFC 8305), unless AddressFamily or BindAddress
 * leave one only: the first that connects wins, and none is given up while it may still answer. One deadline over name and connect, ms.
 */
export async function connectTcp(target: TcpTarget, deadline: number, signal: AbortSignal): Promise<Socket> {
  const { hostName, port } = target;
  const where = formatAddress({ hostName, port });
  const race = new AbortController();
  const late = new Promise<never>((_, reject) => {
    const aborted = () => reject(race.signal.reason);
    race.signal.addEventListener('abort', aborted, { once: true });
  });
  let named = false;
  const timer = setTimeout(() => {
    const within = `within ${deadline / 1000} s`;
    const why = named
      ? `no answer ${within}; check the address and the firewall`
      : `its name has not resolved ${within}; check the network and its name servers`;
    const text = `cannot connect to ${where}: ${why}`;
    race.abort(new Fault('CONNECT_TIMEOUT', text, { detail: { where } }));
  }, deadline);
  const given = () => race.abort(signal.reason);
  signal.addEventListener('abort', given, { once: true });
  if (signal.aborted) given();
  try {
    const connected = findWays(target, where).then((ways) => {
      named = true;
      return first(ways, target.port, race.signal);
    });
    return await Promise.race([late, connected]);
  } catch (error) {
    throw error instanceof Fault ? error : connectFault(error, where, target.bindAddress);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', given);
    // Those that have not won are closed; a rejection that nobody waits for any more is none.
    late.catch(() => undefined);
    race.abort(new Error('the race is over'));
  }
}

/** Every address of the host that may be used, the families in turn, each with ours of its family. */
async function findWays({ hostName, addressFamily, bindAddress }: TcpTarget, where: string): Promise<readonly Way[]> {
  const all = await resolveAll(hostName);
  const allowed = all.filter((address) => addressFamily === 'any' || family(address) === addressFamily);
  if (allowed.length === 0) {
    const text = `cannot connect to ${where}: it has no address of AddressFamily ${addressFamily}; correct that in ssh_config`;
    throw new Fault('NAME_NOT_FOUND', text, { detail: { where } });
  }
  if (bindAddress === null) return allowed.map((to) => ({ to, from: null }));
  const own = await resolveAll(bindAddress).catch((cause: unknown) => {
    const text = `cannot connect to ${where}: BindAddress ${bindAddress} does not resolve; correct it in ssh_config`;
    throw new Fault('CONNECT_FAILED', text, { cause, detail: { where } });
  });
  const ways = allowed.flatMap((to) =>
    own
      .filter((from) => family(from) === family(to))
      .slice(0, 1)
      .map((from) => ({ to, from })),
  );
  if (ways.length > 0) return ways;
  const text = `cannot connect to ${where}: BindAddress ${bindAddress} is of another family than its addresses; correct it in ssh_config`;
  throw new Fault('CONNECT_FAILED', text, { detail: { where } });
}

function family(address: string): 'inet' | 'inet6' {
  return isIP(address) === 4 ? 'inet' : 'inet6';
}

/** Every address of a name, the families in turn. */
async function resolveAll(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true, order: 'verbatim' });
  const [lead = [], other = []] = [found[0]?.family, found[0]?.family === 4 ? 6 : 4].map((family) =>
    found.filter((one) => one.family === family).map((one) => one.address),
  );
  return lead.flatMap((address, index) => [address, ...other.slice(index, index + 1)]).concat(other.slice(lead.length));
}

/** The first address that connects; rejects with the first one's error when all have failed. */
function first(ways: readonly Way[], port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const left = [...ways];
    const open = new Set<Socket>();
    let failure: Error | null = null;
    let timer: NodeJS.Timeout | undefined;
    let won: Socket | null = null;
    const next = () => {
      clearTimeout(timer);
      const way = left.shift();
      if (way === undefined) {
        if (open.size === 0) reject(failure ?? new Error('the name has no address'));
        return;
      }
      const onread = adaptiveRead(() => socket, 64 * 1024, 256 * 1024);
      const from = way.from === null ? {} : { localAddress: way.from };
      const socket: Socket = connect({ host: way.to, ...from, port, noDelay: true, onread });
      open.add(socket);
      const failed = (error: Error) => {
        failure ??= error;
        open.delete(socket);
        if (won === null) next();
      };
      socket.once('error', failed);
      socket.once('connect', () => {
        won = socket;
        clearTimeout(timer);
        socket.off('error', failed);
        open.delete(socket);
        resolve(socket);
      });
      if (left.length > 0) timer = setTimeout(next, stagger);
    };
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        for (const socket of open) socket.on('error', () => undefined).destroy();
      },
      { once: true },
    );
    if (!signal.aborted) next();
  });
}
