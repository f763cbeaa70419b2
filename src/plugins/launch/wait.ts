import { Fault, type RemoteHost, Secret } from '../../plugin.ts';
import { hostOf } from '../printed/printed-url.ts';
import { scanRules } from '../printed/scan-rules.ts';
import { type Choice, choosePort, listensAt, ownPorts } from './choose-port.ts';
import { Heard } from './heard.ts';
import { ended, lacking, late, orphaned, squatted, type Told, tokenless } from './launch-faults.ts';
import { type Look, readLook } from './look.ts';
import type { Ready, WatchOptions } from './watch-run.ts';

/** For how long what is wrong may still come right, ms: somebody else on its port, processes without a port, last words on their way. */
const patience = { foreign: 10_000, orphans: 5_000, drained: 200, end: 3_000, steady: 400 };

/** How often the last line is shown, ms. */
const showEvery = 1_000;

/** After so long without a new line it is told what is waited for, ms. */
const silentFor = 2_000;

/** What is known of a run while it becomes ready. */
export class Wait {
  readonly #host: RemoteHost;
  readonly #options: WatchOptions;
  readonly #heard: Heard;
  readonly #began = performance.now();
  readonly #ownToken: boolean;
  readonly #since = new Map<string, number>();
  #look: Look | null = null;
  #squatted: number | null = null;
  #knocked: number | null = null;
  /** The port on which something answered where nobody can tell whose it is. */
  #answers: number | null = null;
  #shown = { line: '', at: 0, waits: false };

  constructor(host: RemoteHost, options: WatchOptions) {
    const { recipe, port } = options.options;
    this.#host = host;
    this.#options = options;
    this.#ownToken = recipe?.token.from === 'output' && options.token === undefined;
    const rules = scanRules(recipe ?? { prints: null, token: { from: 'nowhere' } }, {
      hosts: [hostOf(host.facts.remote)],
      fixed: port === 'auto' ? null : port,
      ownToken: this.#ownToken,
    });
    this.#heard = new Heard(options.record.run, rules, (text) => options.warn(`the backend ${options.name}: ${text}`));
    if (options.token instanceof Secret) this.#heard.hide(options.token);
  }

  /** A piece of its output. */
  hear(chunk: Buffer): void {
    this.#heard.add(chunk);
  }

  /** One look at it; no lines: nothing has changed. Null: it is not ready yet. Throws why it will not be. */
  async see(lines: readonly string[]): Promise<Ready | null> {
    const now = performance.now();
    if (lines.length > 0) this.#look = readLook(lines);
    const look = this.#look;
    if (look === null) return null;
    this.#heard.rest(now);
    this.#show(now);
    const choice = look.tellable ? this.#choose(look, now) : await this.#try(look);
    const token = this.#token();
    if (choice.is === 'ready' && token !== 'missing' && (await this.#isSteady(choice, now))) {
      if (!look.tellable) {
        const { name } = this.#options;
        this.#options.warn(
          `${this.#host.facts.remote} does not show whose port it is (no /proc): only a token proves the backend ${name} to be ours`,
        );
      }
      const { pid, started, main, processes } = look;
      return { ...choice, token, started, pid: main === 'live' ? pid : (processes[0]?.pid ?? pid) };
    }
    this.#squatted = choice.is === 'foreign' ? choice.port : null;
    if (this.#lasts('foreign', choice.is === 'foreign', now) >= patience.foreign) throw await this.late();
    this.#judgeEnd(look, choice, now);
    return null;
  }

  /** One may open its port, take a connection and end: a new one must live on a little after it was knocked at. */
  async #isSteady({ host, port }: { readonly host: string; readonly port: number }, now: number): Promise<boolean> {
    if (this.#options.record.adopted) return true;
    if (this.#knocked === null) {
      this.#knocked = now;
      const stream = await this.#host.dial({ kind: 'tcp', host, port }).catch(() => null);
      stream?.on('error', () => undefined).destroy();
    }
    return now - this.#knocked >= patience.steady;
  }

  /** What to say when its time is over. */
  async late(): Promise<Fault> {
    if (this.#squatted !== null) return squatted(this.#told, this.#host, this.#squatted);
    const known = this.#wanted;
    const time = performance.now() - this.#began;
    const { recipe, tokenKey } = this.#options.options;
    const token = recipe?.token;
    const open = this.#answers !== null || (this.#look !== null && listensAt(this.#look, known));
    if (token?.from !== 'output' || this.#token() !== 'missing' || !open) return late(this.#told, time, known);
    return tokenless(this.#told, time, { token, key: tokenKey });
  }

  get #told(): Told {
    return { name: this.#options.name, lines: this.#heard.lines, look: this.#look };
  }

  /** The port on which it should listen; null: nobody knows. */
  get #wanted(): number | null {
    const { record, options } = this.#options;
    return this.#heard.found.port ?? record.port ?? record.given ?? (options.port === 'auto' ? null : options.port);
  }

  #choose(look: Look, now: number): Choice {
    const { record, options } = this.#options;
    const steady = this.#lasts(`ports ${ownPorts(look)}`, true, now);
    for (const key of this.#since.keys()) {
      if (key.startsWith('ports ') && key !== `ports ${ownPorts(look)}`) this.#since.delete(key);
    }
    return choosePort(look, {
      given: record.port ?? record.given,
      printed: this.#heard.found.port,
      prints: options.recipe?.prints != null,
      steady,
    });
  }

  /** Where nobody can tell whose a listener is, it has to do that something answers. */
  async #try(look: Look): Promise<Choice> {
    const port = this.#wanted;
    if (port === null || look.main !== 'live') return { is: 'waiting' };
    // It answers: each further dial would be one more connection to it.
    if (this.#answers === port) return { is: 'ready', host: '127.0.0.1', port };
    try {
      (await this.#host.dial({ kind: 'tcp', host: '127.0.0.1', port })).destroy();
      this.#answers = port;
      return { is: 'ready', host: '127.0.0.1', port };
    } catch (error) {
      if (Fault.from(error).code === 'TARGET_REFUSED') return { is: 'waiting' };
      throw error;
    }
  }

  #token(): Secret | null | undefined | 'missing' {
    if (!this.#ownToken) return this.#options.token;
    const { token, none } = this.#heard.found;
    return token ?? (none ? null : 'missing');
  }

  #judgeEnd(look: Look, choice: Choice, now: number): void {
    if (look.main === 'none') {
      const text = `the backend ${this.#options.name} did not even start on ${this.#host.facts.remote}; look at sh and at the space there`;
      throw new Fault('LAUNCH_FAILED', text);
    }
    const gone = look.main === 'gone';
    const left = look.processes.length > 0;
    const dead = gone && !left;
    const told = this.#lasts('drained', dead && look.drained, now) >= patience.drained;
    // Somebody who does not carry its mark may hold its output open.
    if (this.#lasts('end', dead, now) >= patience.end || told) throw ended(this.#told, this.#wanted);
    // One that went into the background may still open its port.
    const idle = gone && left && look.code !== 0 && choice.is === 'waiting' && ownPorts(look).length === 0;
    if (this.#lasts('orphans', idle, now) >= patience.orphans) throw orphaned(this.#told);
  }

  /** For how long something has been so, ms. */
  #lasts(what: string, holds: boolean, now: number): number {
    if (!holds) {
      this.#since.delete(what);
      return 0;
    }
    const since = this.#since.get(what) ?? now;
    this.#since.set(what, since);
    return now - since;
  }

  #show(now: number): void {
    const { begun, lines } = this.#heard;
    const line = lines.last;
    const { at, waits } = this.#shown;
    if (begun && line !== '' && line !== this.#shown.line) {
      if (now - at < showEvery) return;
      this.#shown = { line, at: now, waits: false };
      this.#options.progress(line);
      return;
    }
    // Its words alone do not say that it is not there yet.
    if (waits || now - Math.max(at, this.#began) < silentFor) return;
    this.#shown = { line, at: now, waits: true };
    this.#options.progress(
      `${lacking(this.#look, this.#wanted, this.#token() === 'missing')}; ${line === '' ? 'it has printed nothing' : `last output: "${line}"`}`,
    );
  }
}
