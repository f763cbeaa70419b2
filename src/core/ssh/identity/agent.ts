import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { isAbsolute } from 'node:path';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import { signatureName, signatureTail } from './algorithm.ts';
import { wireNumber, wireString } from './key-blob.ts';
import { WireReader } from '../wire-reader.ts';

/** A key that an ssh-agent holds. */
export interface AgentKey {
  /** The public key in its wire form. */
  readonly blob: Buffer;
  readonly comment: string;
}

/** An agent as it was found. */
export interface Agent {
  /** Empty where there is none. */
  readonly socket: string;
  readonly keys: readonly AgentKey[];
  /** Why it told no keys: ssh goes on without it. */
  readonly fault: Fault | null;
}

// Message numbers and flags: draft-miller-ssh-agent, sections 5.1 and 5.3.
const request = { identities: 11, sign: 13 };
const answer = { failure: 5, identities: 12, signature: 14 };
const flags: Readonly<Record<string, number>> = { 'rsa-sha2-256': 2, 'rsa-sha2-512': 4 };

/** OpenSSH refuses longer answers too (MAX_AGENT_REPLY_LEN). */
const maxAnswer = 256 * 1024;
/** An agent that is there lists its keys within this time, or is treated as gone, ms. To sign it may have to ask its user first. */
const deadline = 3_000;

/** Asks the agent of a host, if it has one, for its keys. Rejects with the signal's reason only. */
export async function askAgent(socket: string | null, signal: AbortSignal): Promise<Agent> {
  if (socket === null) return { socket: '', keys: [], fault: null };
  try {
    return { socket, keys: await listAgentKeys(socket, signal), fault: null };
  } catch (error) {
    const fault = Fault.from(error);
    if (fault.code !== 'AGENT_UNREACHABLE') throw fault;
    return { socket, keys: [], fault };
  }
}

/** Lists the keys of the agent at a socket, in its order. Own code, since ssh2's client drops and misreads keys it does not know. */
export async function listAgentKeys(socket: string, signal: AbortSignal): Promise<readonly AgentKey[]> {
  const body = await ask(socket, Buffer.from([request.identities]), answer.identities, { signal, deadline });
  const keys: AgentKey[] = [];
  const reader = readerOf(body, socket);
  for (let left = reader.number(); left > 0; left--) {
    const blob = reader.string();
    keys.push({ blob, comment: reader.string().toString('utf8') });
  }
  return keys;
}

/**
 * Has the agent sign; returns the signature with its name, which must be that of the algorithm. It takes as long as its user takes to
 * confirm, or to touch an authenticator: `signal` ends it.
 */
export async function signWithAgent(
  socket: string,
  key: { readonly blob: Buffer; readonly algorithm: string },
  data: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  const wanted = signatureName(key.algorithm);
  const parts = [wireString(key.blob), wireString(data), wireNumber(flags[wanted] ?? 0)];
  const message = Buffer.concat([Buffer.from([request.sign]), ...parts]);
  const body = await ask(socket, message, answer.signature, { signal, deadline: null });
  const signature = readerOf(body, socket).string();
  const reader = readerOf(signature, socket);
  const name = reader.string().toString('latin1');
  if (name !== wanted) throw unreachable(socket, `signed with "${printable(name)}" where "${wanted}" was asked for`);
  if (reader.string().length > 0 && reader.rest().length === signatureTail(wanted)) return signature;
  throw unreachable(socket, 'gave a signature that is none');
}

interface Patience {
  readonly signal: AbortSignal;
  /** ms; null: as long as the signal lets it. */
  readonly deadline: number | null;
}

async function ask(socket: string, message: Buffer, expected: number, patience: Patience): Promise<Buffer> {
  await checkSocket(socket);
  const reply = await exchange(socket, message, patience);
  if (reply[0] === expected) return reply.subarray(1);
  throw unreachable(socket, reply[0] === answer.failure ? 'refused the request' : 'gave an answer that is none');
}

async function checkSocket(socket: string): Promise<void> {
  if (!isAbsolute(socket)) throw unreachable(socket, 'is no absolute path');
  // Node cuts longer paths silently and would talk to another socket.
  if (Buffer.byteLength(socket) > 107) throw unreachable(socket, 'is longer than 107 bytes');
  let stats: Stats;
  try {
    stats = await stat(socket);
  } catch (cause) {
    throw unreachable(socket, 'does not exist or may not be reached', cause);
  }
  if (!stats.isSocket()) throw unreachable(socket, 'is no socket');
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0 && stats.uid !== uid && stats.uid !== 0) throw unreachable(socket, `belongs to uid ${stats.uid}`);
}

/** One request on a connection of its own, as ssh2 does: an agent that misbehaves harms no other request. */
function exchange(socket: string, message: Buffer, { signal, deadline: limit }: Patience): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = connect({ path: socket });
    let heard = Buffer.alloc(0);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      stream.destroy();
      settle();
    };
    const fail = (why: string, cause?: unknown) => end(() => reject(unreachable(socket, why, cause)));
    const aborted = () => end(() => reject(Fault.from(signal.reason)));
    const late = () => fail(`gave no answer within ${(limit ?? 0) / 1000} s`);
    const timer = limit === null ? undefined : setTimeout(late, limit);
    stream.on('error', (error) => fail('cannot be reached', error));
    stream.on('close', () => fail('closed the connection'));
    stream.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      const length = heard.length < 4 ? 0 : heard.readUInt32BE(0);
      if (length > maxAnswer) fail(`gave an answer of ${length} bytes`);
      else if (heard.length >= 4 && heard.length >= 4 + length) end(() => resolve(heard.subarray(4, 4 + length)));
    });
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
    else stream.write(wireString(message));
  });
}

function readerOf(data: Buffer, socket: string): WireReader {
  return new WireReader(data, () => unreachable(socket, 'gave an answer that breaks off'));
}

function unreachable(socket: string, why: string, cause?: unknown): Fault {
  const text = `the ssh-agent at ${JSON.stringify(socket)} ${why}; check SSH_AUTH_SOCK, or set IdentityAgent`;
  return new Fault('AGENT_UNREACHABLE', text, { cause });
}
