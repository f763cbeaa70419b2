import type { AnyAuthMethod, Prompt as SentPrompt } from 'ssh2';
import { formatAddress } from '../../model/endpoint.ts';
import { Fault } from '../../model/fault.ts';
import { printable, printableLines } from '../../model/printable.ts';
import { type Ask, nothingSaid, type Question } from '../../model/question.ts';
import type { Hop } from '../route.ts';

/** No real server asks so much at once, or so often in one login: it would only keep a person busy. */
const limits = { prompts: 16, rounds: 16 };

/** Hands ssh2 a method that was not known at once. It may throw where the connection has ended meanwhile. */
export type Proceed = (method: AnyAuthMethod) => void;

/** What a login by questions tells and is told. */
export interface AskedLoginPorts {
  readonly ask: Ask;
  /** The server asks what no server should; the login is over. */
  readonly fail: (fault: Fault) => void;
  /** So many wrong answers the server may be given, in whichever way it asks. */
  readonly spare: number;
  /** Ends what is still asked. */
  readonly signal: AbortSignal;
}

/**
 * The part of one login that a person answers: passwords (RFC 4252 section 8) and keyboard-interactive (RFC 4256). Each is tried
 * NumberOfPasswordPrompts times, as ssh does, and both together as often as the server may be given a wrong answer.
 */
export class AskedLogin {
  readonly #hop: Hop;
  readonly #ports: AskedLoginPorts;
  readonly #account: string;
  /** What was answered since the last success, by `about`: who is asked for it again was given a wrong answer. */
  readonly #answered = new Set<string>();
  #passwords = 0;
  #interactions = 0;
  #rounds = 0;
  #asked = false;
  #asking: AbortController | null = null;
  #given = 0;

  constructor(hop: Hop, ports: AskedLoginPorts) {
    this.#hop = hop;
    this.#ports = ports;
    this.#account = formatAddress(hop.host);
  }

  /** How many answers the server was given since it last took something. */
  get given(): number {
    return this.#given;
  }

  /** One more password; false when it was tried often enough. `proceed` is called once there is an answer. */
  password(proceed: Proceed): boolean {
    const { user, hostName, hostKeyAlias, passwordPrompts } = this.#hop.host;
    this.#passwords += 1;
    if (this.#passwords > passwordPrompts || this.#spent) return false;
    const question = this.#question('password', this.#account, `the password of ${this.#account}`, [
      { text: `${user}@${hostKeyAlias ?? hostName}'s password: `, echo: false },
    ]);
    this.#ask(question, ([password = '']) => proceed({ type: 'password', username: user, password }));
    return true;
  }

  /** One more keyboard-interactive exchange; null when it was tried often enough, or the last one asked nothing at all. */
  interaction(): AnyAuthMethod | null {
    const { user, passwordPrompts } = this.#hop.host;
    this.#interactions += 1;
    if (this.#interactions > passwordPrompts || this.#spent || (this.#interactions > 1 && !this.#asked)) return null;
    return {
      type: 'keyboard-interactive',
      username: user,
      prompt: (name, instruction, _language, prompts, finish) => this.#round(name, instruction, prompts, finish),
    };
  }

  get #spent(): boolean {
    return this.#given >= this.#ports.spare;
  }

  /** The server has judged: what is still asked is not wanted any more. `partial`: what comes now is not asked again. */
  judged(partial: boolean): void {
    this.#asking?.abort(
      new Fault('LINK_LOST', `${this.#hop.where} does not wait for the answer any more; nothing to do`),
    );
    this.#asking = null;
    if (!partial) return;
    this.#answered.clear();
    this.#given = 0;
  }

  #round(name: string, instruction: string, sent: readonly SentPrompt[], finish: (answers: string[]) => void): void {
    const { where } = this.#hop;
    this.#asked = true;
    this.#rounds += 1;
    if (sent.length > limits.prompts || this.#rounds > limits.rounds || this.#asking !== null) {
      const what = this.#asking !== null ? 'asks before it was answered' : `asks ${tally(sent.length, this.#rounds)}`;
      const text = `${where} ${what} (keyboard-interactive); look at what it runs for its logins`;
      this.#ports.fail(new Fault('PROTOCOL_ERROR', text));
      return;
    }
    const prompts = sent.map(({ prompt, echo }) => ({ text: printableLines(prompt), echo: echo === true }));
    const said = printableLines([name, instruction].filter((text) => text.trim() !== '').join('\n'));
    const about = `${this.#account} ${printable(prompts.map(({ text }) => text).join(' '))}`;
    const text = said === '' ? nothingSaid : said;
    this.#ask(this.#question('keyboard-interactive', about, text, prompts), (answers) => finish([...answers]));
  }

  #question(kind: Question['kind'], about: string, text: string, prompts: Question['prompts']): Question {
    const key = `${kind} ${about}`;
    return { kind, about: key, where: this.#hop.where, text, prompts, again: this.#answered.has(key) };
  }

  #ask(question: Question, answered: (answers: readonly string[]) => void): void {
    const asking = new AbortController();
    this.#asking = asking;
    this.#ports.ask(question, AbortSignal.any([asking.signal, this.#ports.signal])).then(
      (answers) => {
        if (this.#asking !== asking) return;
        this.#asking = null;
        this.#answered.add(question.about);
        this.#given += 1;
        try {
          answered(answers);
        } catch {
          // ssh2 throws where the connection ended meanwhile: whoever waits for it has heard of that.
        }
      },
      () => {
        // Who hands out `ask` ends the login with what it rejected with, unless it was the server that would not wait.
        if (this.#asking === asking) this.#asking = null;
      },
    );
  }
}

function tally(prompts: number, rounds: number): string {
  return prompts > limits.prompts ? `${prompts} questions at once` : `for the ${rounds}th time in one login`;
}
