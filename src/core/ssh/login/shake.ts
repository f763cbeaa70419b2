import { Client, type NegotiatedAlgorithms } from 'ssh2';
import type { Duplex } from 'node:stream';
import type { Deadlines } from '../../model/config.ts';
import { Fault } from '../../model/fault.ts';
import type { Ask } from '../../model/question.ts';
import type { Stage } from '../../model/state.ts';
import { agreedNote, mismatchFault, terrapinFault } from './algorithm-faults.ts';
import { offerTo } from './algorithms.ts';
import { marks, type Marks } from './errors.ts';
import { type HostKeyJudgement, judgeHostKey } from '../known-hosts/host-key.ts';
import { type AuthPorts, createAuth } from './auth.ts';
import { takeTurns } from './key-door.ts';
import { interceptMessages, keepGreeting, overhearJudgement, provesHostKey, strictKeyExchange } from '../internals.ts';
import type { Hop } from '../route.ts';
import { expiredFault, unansweredFault } from './question-faults.ts';
import { Greeting } from './greeting.ts';
import { HostKeyGate } from './host-key-gate.ts';
import { identitiesStep } from './identities-step.ts';
import type { LoginStep } from '../login-step.ts';
import { OwnWaits } from './own-waits.ts';
import { brokenFault, closedFault, endlessFault, timeoutFault } from './shake-faults.ts';
import { StageClock } from './stage-clock.ts';

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
  /** So many wrong answers the server may be given. */
  readonly spare: number;
  readonly onStage: (stage: Stage) => void;
  /** A sentence for the user. */
  readonly onNote: (text: string) => void;
  /** Judges the host key in the place of known_hosts: for who wants to see it. */
  readonly judge?: ((hop: Hop, key: Buffer) => HostKeyJudgement) | undefined;
  /** Told what is found out on the way. */
  readonly observe?: ((step: LoginStep) => void) | undefined;
}

/**
 * Shakes hands over a connected socket: greeting, key exchange, authentication, each with its deadline. Rejects with a Fault
 * that names the hop; the socket is then destroyed. Settles on 'close' too: a peer that leaves early raises no 'error'.
 */
export function shake(
  socket: Duplex,
  hop: Hop,
  { deadlines, ask, spare, onStage, onNote, judge = judgeHostKey, observe = () => undefined }: ShakeOptions,
  signal: AbortSignal,
): Promise<Shaken> {
  const { host, where } = hop;
  const offer = offerTo(hop);
  return new Promise((resolve, reject) => {
    const client = new Client();
    const over = new AbortController();
    const clock = new StageClock((stage, ms) => fail(timeoutFault(stage, hop, ms, auth.asking())));
    const greeting = new Greeting();
    const gate = new HostKeyGate(hop, judge, () => provesHostKey(client));
    const waits = new OwnWaits(where, clock);
    let note: string | null = null;
    let lastError: Marks | null = null;
    let settled = false;

    const fail = (fault: Fault) => {
      if (settled) return;
      settled = true;
      clear();
      if (clock.stage === 'authentication') tellIdentities(false);
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
      const named = gate.accepted === null || question.kind === 'passphrase' ? '' : ` ${gate.fingerprint}`;
      const one = { ...question, about: `${question.about}${named}` };
      try {
        return await waits.answer(one, ask(one, until));
      } catch (error) {
        if (!until.aborted) fail(unansweredFault(Fault.from(error), hop, auth));
        throw error;
      }
    };
    const decrypting: AuthPorts['decrypting'] = (path, work) => waits.decrypt(path, work);
    const auth = createAuth(hop, { ask: asked, spare, decrypting, fail: (fault) => fail(fault) }, over.signal);
    const tellIdentities = (entered: boolean) => observe(identitiesStep(where, auth, waits.unanswered, entered));
    const listen = (chunk: Buffer) => {
      greeting.take(chunk);
      if (greeting.endless) return fail(endlessFault(where));
      if (greeting.server !== null && clock.stage === 'greeting') {
        observe({ step: 'greeting', where, server: greeting.server });
        enter('key exchange', deadlines.keyExchange);
      }
      if (greeting.offer !== undefined) socket.off('data', listen);
    };
    const agreed = (algorithms: NegotiatedAlgorithms) => {
      const strict = strictKeyExchange(client);
      const { kex, serverHostKey: hostKey, cs } = algorithms;
      observe({ step: 'algorithms', where, agreed: { kex, hostKey, cipher: cs.cipher, mac: cs.mac }, strict });
      const weak = terrapinFault(where, algorithms, strict);
      if (weak !== null) return fail(weak);
      note = agreedNote(where, algorithms, strict);
      enter('authentication', deadlines.auth);
      gate.proved(onNote, fail, over.signal);
      const tellKey = () => observe({ step: 'host key', where, fingerprint: gate.fingerprint, isNew: gate.isNew });
      // A new one is told when it was written down.
      if (gate.learning === null) tellKey();
      else gate.learning.then(tellKey, () => undefined);
    };
    client.on('error', (error) => {
      lastError = marks(error);
      const cut = lastError.level === 'client-authentication' ? null : waits.lastWords();
      const apart =
        clock.stage === 'key exchange' && greeting.offer ? mismatchFault(where, greeting.offer, offer) : null;
      fail(gate.refusal ?? apart ?? cut ?? brokenFault(clock.stage, hop, lastError, auth, greeting.heard));
    });
    // Else nobody would ever answer: ssh2 leaves it to us.
    client.once('change password', (said: string) => fail(expiredFault(where, said)));
    // Once: a server that rekeys gets no more time for it.
    client.once('handshake', agreed);
    client.on('close', () =>
      fail(gate.refusal ?? waits.lastWords() ?? closedFault(clock.stage, where, greeting.heard, lastError)),
    );
    client.on('ready', () => {
      if (settled) return;
      settled = true;
      clear();
      client.removeAllListeners();
      tellIdentities(true);
      const errors: Error[] = [];
      client.on('error', (error) => errors.push(error));
      const { fingerprint: hostKey } = gate;
      resolve({ client, server: greeting.server ?? '', hostKey, strict: strictKeyExchange(client), note, errors });
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
          if (gate.learning === null) return auth.handler(methodsLeft, partial, proceed);
          const go = () => {
            if (settled) return;
            const next = auth.handler(methodsLeft, partial, proceed);
            if (next === undefined) return;
            if (next !== false) return proceed(next);
            const nothing = { level: 'client-authentication', code: null, text: '', command: null };
            fail(brokenFault(clock.stage, hop, nothing, auth, greeting.heard));
          };
          gate.learning.then(go).catch((error: unknown) => fail(Fault.from(error)));
          return undefined;
        },
        hostVerifier: (key: Buffer, answer: (accepted: boolean) => void) => {
          const accepted = gate.verify(key);
          if (accepted !== undefined) answer(accepted);
        },
      });
      keepGreeting(client);
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
