import { Client } from 'ssh2';
import type { Duplex } from 'node:stream';
import type { Deadlines } from '../../model/config.ts';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { Ask } from '../../model/question.ts';
import type { Stage } from '../../model/state.ts';
import { offeredAlgorithms } from './algorithms.ts';
import { marks, type Marks } from './errors.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { type Judgement, judgeHostKey } from '../known-hosts/host-key.ts';
import { acceptNew } from '../known-hosts/learn-host-key.ts';
import { createAuth } from './auth.ts';
import { ignoreHostKeyUpdates, strictKeyExchange } from '../internals.ts';
import type { Hop } from '../route.ts';
import { brokenFault, closedFault, timeoutFault } from './shake-faults.ts';

/** A server may send text lines before its identification (RFC 4253 section 4.2), but not for ever. */
const greetingLimit = 64 * 1024;

/** An authenticated connection over one hop. */
export interface Shaken {
  readonly client: Client;
  /** The server's identification string, escaped. */
  readonly server: string;
  readonly hostKey: string;
  readonly strict: boolean;
  /** What went wrong since the login: a server may part in the same breath. The link takes over from here. */
  readonly errors: readonly Error[];
}

/** How a handshake is led. */
export interface ShakeOptions {
  readonly deadlines: Deadlines;
  readonly ask: Ask;
  readonly onStage: (stage: Stage) => void;
  /** A sentence for the user. */
  readonly onNote: (text: string) => void;
  /** Judges the host key in the place of known_hosts: for who wants to see it. */
  readonly judge?: (hop: Hop, key: Buffer) => Judgement;
}

/**
 * Shakes hands over a connected socket: greeting, key exchange, authentication, each with its deadline. Rejects with a Fault
 * that names the hop; the socket is then destroyed. Settles on 'close' too: a peer that leaves early raises no 'error'.
 */
export function shake(
  socket: Duplex,
  hop: Hop,
  { deadlines, ask, onStage, onNote, judge = judgeHostKey }: ShakeOptions,
  signal: AbortSignal,
): Promise<Shaken> {
  const { host, where } = hop;
  return new Promise((resolve, reject) => {
    const client = new Client();
    const over = new AbortController();
    const auth = createAuth(hop, ask, over.signal);
    let stage: Stage = 'greeting';
    let heard = '';
    let greeted = '';
    let accepted: Buffer | null = null;
    let isNew = false;
    /** While a new key is written down nobody logs in: it may turn out to be none to be accepted. */
    let learning: Promise<void> | null = null;
    let refusal: Fault | null = null;
    let lastError: Marks | null = null;
    let timer: NodeJS.Timeout | undefined;
    let settled = false;

    const fail = (fault: Fault) => {
      if (settled) return;
      settled = true;
      clear();
      client.on('error', () => undefined);
      socket.on('error', () => undefined);
      socket.destroy();
      reject(fault);
    };
    const clear = () => {
      over.abort(new Fault('LINK_LOST', 'the attempt is over; nothing to do'));
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.off('data', listen);
    };
    const aborted = () => fail(Fault.from(signal.reason));
    const enter = (next: Stage, ms: number) => {
      stage = next;
      onStage(next);
      clearTimeout(timer);
      timer = setTimeout(() => fail(timeoutFault(next, where, ms, auth.asking())), ms);
    };
    const listen = (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      const line = /(?:^|\n)(SSH-[^\r\n]*)\r?\n/.exec(heard);
      if (line?.[1] !== undefined) {
        greeted = printable(line[1]);
        socket.off('data', listen);
        enter('key exchange', deadlines.keyExchange);
      } else if (heard.length > greetingLimit) {
        const text = `${where} sent more than 64 KiB before an SSH greeting; check what listens on this port`;
        fail(new Fault('PROTOCOL_ERROR', text));
      }
    };
    const learn = (key: Buffer) => {
      learning = acceptNew(hop, key, over.signal).then((note) => {
        learning = null;
        if (note !== null && !settled) onNote(note);
      });
      learning.catch((error: unknown) => fail(Fault.from(error)));
    };

    client.on('error', (error) => {
      lastError = marks(error);
      // An agent that fails is no end: ssh2 goes on to the next identity.
      if (lastError.level === 'agent') return;
      fail(refusal ?? brokenFault(stage, hop, lastError, auth, heard));
    });
    // Once: a server that rekeys gets no more time for it.
    client.once('handshake', () => {
      enter('authentication', deadlines.auth);
      // Now it is proved that the key is the server's: what a mere copy of a key shows is not written down.
      if (isNew && accepted !== null) learn(accepted);
    });
    client.on('close', () => fail(refusal ?? closedFault(stage, where, heard, lastError)));
    client.on('ready', () => {
      if (settled) return;
      settled = true;
      clear();
      client.removeAllListeners();
      const hostKey = accepted === null ? '' : fingerprint(accepted);
      const errors: Error[] = [];
      client.on('error', (error) => errors.push(error));
      resolve({ client, server: greeted, hostKey, strict: strictKeyExchange(client), errors });
    });
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) return aborted();

    enter('greeting', deadlines.greeting);
    try {
      client.connect({
        sock: socket,
        // Servers that do not call themselves OpenSSH know its extensions as well; one that does not refuses the channel.
        strictVendor: false,
        username: host.user,
        readyTimeout: 0,
        keepaliveInterval: 0,
        algorithms: offeredAlgorithms(hop.knownHosts.keyTypes(hop.knownAs, hop.knownPort)),
        authHandler: (methodsLeft, partial, proceed) => {
          if (learning === null) return auth.handler(methodsLeft, partial);
          const go = () => {
            if (settled) return;
            const next = auth.handler(methodsLeft, partial);
            if (next !== false) return proceed(next);
            fail(brokenFault(stage, hop, { level: 'client-authentication', code: null, text: '' }, auth, heard));
          };
          learning.then(go).catch((error: unknown) => fail(Fault.from(error)));
          return undefined;
        },
        // Anything but a literal false accepts, and a late answer breaks a rekey: so this is synchronous and strictly boolean.
        hostVerifier: (key: Buffer): boolean => {
          if (accepted !== null) return accepted.equals(key);
          const judged = judge(hop, key);
          if (judged instanceof Fault) {
            refusal = judged;
            return false;
          }
          isNew = judged === 'learn';
          accepted = Buffer.from(key);
          return true;
        },
      });
      ignoreHostKeyUpdates(client);
      // After connect(): it has paused the socket, so that no byte passes before ssh2 listens.
      socket.on('data', listen);
    } catch (error) {
      fail(
        new Fault('HOST_INVALID', `cannot log in to ${where}: ${marks(error).text}; correct it in ssh_config`, {
          cause: error,
        }),
      );
    }
  });
}
