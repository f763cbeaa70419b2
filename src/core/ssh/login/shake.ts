import { Client } from 'ssh2';
import type { Duplex } from 'node:stream';
import type { Deadlines } from '../../model/config.ts';
import { Fault } from '../../model/fault.ts';
import { printable } from '../../model/printable.ts';
import type { Ask, Question } from '../../model/question.ts';
import type { Stage } from '../../model/state.ts';
import { agreedNote, mismatchFault, terrapinFault } from './algorithm-faults.ts';
import { type AlgorithmLists, offerTo } from './algorithms.ts';
import { marks, type Marks } from './errors.ts';
import { fingerprint } from '../identity/fingerprint.ts';
import { type Judgement, judgeHostKey } from '../known-hosts/host-key.ts';
import { acceptNew } from '../known-hosts/learn-host-key.ts';
import { createAuth } from './auth.ts';
import { takeTurns } from './key-door.ts';
import { interceptMessages, overhearJudgement, strictKeyExchange } from '../internals.ts';
import type { Hop } from '../route.ts';
import { cutFault, expiredFault, unansweredFault } from './question-faults.ts';
import { readOffer } from './key-exchange-init.ts';
import { brokenFault, closedFault, timeoutFault } from './shake-faults.ts';
import { StageClock } from './stage-clock.ts';

/** A server may send text lines before its identification (RFC 4253 section 4.2), but not for ever: bytes, and lines. */
const greetingLimit = { size: 64 * 1024, lines: 1_000 };

/** An authenticated connection over one hop. */
export interface Shaken {
  readonly client: Client;
  /** The server's identification string, escaped. */
  readonly server: string;
  readonly hostKey: string;
  readonly strict: boolean;
  /** What a user should know of the algorithms that were agreed on; null when all is well. */
  readonly note: string | null;
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
  const offer = offerTo(hop);
  return new Promise((resolve, reject) => {
    const client = new Client();
    const over = new AbortController();
    const clock = new StageClock((stage, ms) => fail(timeoutFault(stage, hop, ms, auth.asking())));
    let heard = '';
    let greeted = '';
    let theirs: AlgorithmLists | null | undefined;
    let note: string | null = null;
    let accepted: Buffer | null = null;
    let isNew = false;
    /** While a new key is written down nobody logs in: it may turn out to be none to be accepted. */
    let learning: Promise<void> | null = null;
    let refusal: Fault | null = null;
    let lastError: Marks | null = null;
    let pending: Question | null = null;
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
      clock.stop();
      signal.removeEventListener('abort', aborted);
      socket.off('data', listen);
    };
    const aborted = () => fail(Fault.from(signal.reason));
    const enter = (next: Stage, ms: number) => {
      onStage(next);
      clock.enter(next, ms);
    };
    const asked: Ask = async (question, until) => {
      // What was told to one server is for that server only, whatever name another one has.
      const named = accepted === null || question.kind === 'passphrase' ? '' : ` ${fingerprint(accepted)}`;
      const one = { ...question, about: `${question.about}${named}` };
      pending = one;
      try {
        return await clock.pause(ask(one, until));
      } catch (error) {
        if (!until.aborted) fail(unansweredFault(Fault.from(error), hop, auth));
        throw error;
      } finally {
        if (pending === one) pending = null;
      }
    };
    const auth = createAuth(hop, { ask: asked, fail: (fault) => fail(fault) }, over.signal);
    const listen = (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      const line = /(?:^|\n)(SSH-[^\r\n]*)\r?\n/.exec(heard);
      if (line?.[1] !== undefined) {
        if (clock.stage === 'greeting') enter('key exchange', deadlines.keyExchange);
        greeted = printable(line[1]);
        theirs = readOffer(Buffer.from(heard.slice(line.index + line[0].length), 'latin1'));
        if (theirs !== undefined) socket.off('data', listen);
      } else if (heard.length > greetingLimit.size || heard.split('\n').length > greetingLimit.lines) {
        const text = `${where} sent more than 64 KiB, or 1000 lines, before an SSH greeting; check what listens on this port`;
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
      const cut = pending === null || lastError.level === 'client-authentication' ? null : cutFault(pending);
      const apart = clock.stage === 'key exchange' && theirs ? mismatchFault(where, theirs, offer) : null;
      fail(refusal ?? apart ?? cut ?? brokenFault(clock.stage, hop, lastError, auth, heard));
    });
    // Else nobody would ever answer: ssh2 leaves it to us.
    client.once('change password', (said: string) => fail(expiredFault(where, said)));
    // Once: a server that rekeys gets no more time for it.
    client.once('handshake', (agreed) => {
      const strict = strictKeyExchange(client);
      const weak = terrapinFault(where, agreed, strict);
      if (weak !== null) return fail(weak);
      note = agreedNote(where, agreed, strict);
      enter('authentication', deadlines.auth);
      // Now it is proved that the key is the server's: what a mere copy of a key shows is not written down.
      if (isNew && accepted !== null) learn(accepted);
    });
    client.on('close', () => {
      const cut = pending === null ? null : cutFault(pending);
      fail(refusal ?? cut ?? closedFault(clock.stage, where, heard, lastError));
    });
    client.on('ready', () => {
      if (settled) return;
      settled = true;
      clear();
      client.removeAllListeners();
      const hostKey = accepted === null ? '' : fingerprint(accepted);
      const errors: Error[] = [];
      client.on('error', (error) => errors.push(error));
      resolve({ client, server: greeted, hostKey, strict: strictKeyExchange(client), note, errors });
    });
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) return aborted();

    // A command has to connect first.
    enter('greeting', deadlines.greeting + (host.proxyCommand === null ? 0 : deadlines.tcp));
    try {
      client.connect({
        sock: socket,
        // Servers that do not call themselves OpenSSH know its extensions as well; one that does not refuses the channel.
        strictVendor: false,
        username: host.user,
        readyTimeout: 0,
        keepaliveInterval: 0,
        algorithms: offer.algorithms,
        authHandler: (methodsLeft, partial, proceed) => {
          if (learning === null) return auth.handler(methodsLeft, partial, proceed);
          const go = () => {
            if (settled) return;
            const next = auth.handler(methodsLeft, partial, proceed);
            if (next === undefined) return;
            if (next !== false) return proceed(next);
            fail(brokenFault(clock.stage, hop, { level: 'client-authentication', code: null, text: '' }, auth, heard));
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
      takeTurns(client, over.signal);
      overhearJudgement(client, auth.judged);
      // ssh2 would have each key that a server says of itself (UpdateHostKeys) proved at each login.
      interceptMessages(client, 'GLOBAL_REQUEST', (name) => name === 'hostkeys-00@openssh.com');
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
