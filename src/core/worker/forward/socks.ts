import type { Endpoint } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import type { FaultCode } from '../../model/fault-table.ts';
import type { Intake } from './intake.ts';

/** Where a SOCKS client wants to go, and how it is told what came of it. */
export interface SocksRequest {
  readonly target: Endpoint;
  /** It is connected. */
  readonly granted: Buffer;
  /** It is not, because of this. */
  refused(code: FaultCode): Buffer;
}

/** What a client that speaks something else, or wants something else, is told before it is let go. */
export class SocksRefusal extends Fault {
  readonly reply: Buffer;

  constructor(message: string, reply: Buffer = Buffer.alloc(0)) {
    super('SOCKS_INVALID', message);
    this.reply = reply;
  }
}

/** How SOCKS 5 names what went wrong (RFC 1928 section 6). */
const replies: Partial<Record<FaultCode, number>> = {
  FORWARDING_REFUSED: 2,
  HOLD_EXPIRED: 3,
  TARGET_REFUSED: 5,
  OPEN_TIMEOUT: 6,
};

/** Longest name of a host (RFC 1035 section 2.3.4), and of a SOCKS 4 user. */
const longest = 255;

/**
 * Reads what a client of a dynamic forward wants: SOCKS 5 without authentication (RFC 1928), SOCKS 4 and 4a; `say` answers on the way. Names are
 * left to the remote host. Throws a SocksRefusal.
 */
export async function readSocks(
  intake: Intake,
  say: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<SocksRequest> {
  const [version = 0] = await intake.take(1, signal);
  if (version === 5) return readVersion5(intake, say, signal);
  if (version === 4) return readVersion4(intake, signal);
  // An HTTP proxy's client begins with a method.
  if (version >= 0x41 && version <= 0x5a) {
    const text = 'a client speaks HTTP to a SOCKS port; set its SOCKS proxy (socks5h://), not its HTTP proxy';
    throw new SocksRefusal(
      text,
      Buffer.from('HTTP/1.1 501 Not Implemented\r\nconnection: close\r\n\r\nthis is a SOCKS proxy\n'),
    );
  }
  throw new SocksRefusal(`a client does not speak SOCKS (its first byte is ${version}); look at its proxy settings`);
}

const reply5 = (code: number) => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);

async function readVersion5(intake: Intake, say: (bytes: Buffer) => void, signal: AbortSignal): Promise<SocksRequest> {
  const [methods = 0] = await intake.take(1, signal);
  if (!(await intake.take(methods, signal)).includes(0)) {
    const text = 'a SOCKS client insists on a user name or password; let it log in without, the port is local';
    throw new SocksRefusal(text, Buffer.from([5, 0xff]));
  }
  say(Buffer.from([5, 0]));
  const [, command, , kind] = await intake.take(4, signal);
  const host = await readHost5(kind ?? 0, intake, signal);
  const port = (await intake.take(2, signal)).readUInt16BE();
  if (command !== 1) {
    const text = `a SOCKS client asks for ${command === 3 ? 'UDP' : 'a listening port'}; SSH forwards connections only`;
    throw new SocksRefusal(text, reply5(7));
  }
  const target = readTarget(host, port, reply5(1));
  return { target, granted: reply5(0), refused: (code) => reply5(replies[code] ?? 1) };
}

async function readHost5(kind: number, intake: Intake, signal: AbortSignal): Promise<string> {
  if (kind === 1) return [...(await intake.take(4, signal))].join('.');
  if (kind === 4) return formatIPv6(await intake.take(16, signal));
  if (kind !== 3) throw new SocksRefusal(`a SOCKS client names a host by a kind ${kind} that nobody knows`, reply5(8));
  const [length = 0] = await intake.take(1, signal);
  return (await intake.take(length, signal)).toString('latin1');
}

/** SOCKS 4 (no RFC; openssh.com keeps the text), with 4a's names: an address 0.0.0.x stands for the name behind the user. */
async function readVersion4(intake: Intake, signal: AbortSignal): Promise<SocksRequest> {
  const reply = (code: number) => Buffer.from([0, code, 0, 0, 0, 0, 0, 0]);
  const request = await intake.take(7, signal);
  const address = [...request.subarray(3)];
  await intake.takeText(longest, signal);
  const named = address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] !== 0;
  const host = named ? await intake.takeText(longest, signal) : address.join('.');
  if (request[0] !== 1)
    throw new SocksRefusal('a SOCKS client asks for a listening port; SSH forwards connections only', reply(91));
  const target = readTarget(host, request.readUInt16BE(1), reply(91));
  return { target, granted: reply(90), refused: () => reply(91) };
}

function readTarget(host: string, port: number, refusal: Buffer): Endpoint {
  if (!/^[\w.:-]{1,253}$/.test(host) || host.startsWith('-') || port === 0) {
    throw new SocksRefusal(`a SOCKS client names ${JSON.stringify(host)} port ${port}, which is no address`, refusal);
  }
  return { kind: 'tcp', host, port };
}

function formatIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
