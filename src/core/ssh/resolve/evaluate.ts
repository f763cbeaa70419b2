import { networkInterfaces } from 'node:os';
import type { Block, Head, Item } from './compile.ts';
import { unknownKeyword } from './keywords.ts';
import { type Condition, matchName, matchNetworks, matchText } from './match-line.ts';
import { matchPatterns } from './pattern.ts';
import { GatheredSettings } from './settings.ts';
import { expandTokens } from './tokens.ts';

/** Who asks, and for which host. */
export interface Query {
  /** As it was named. */
  readonly host: string;
  /** The user and the port that were named beside the host; they win over the config. */
  readonly user: string | null;
  readonly port: number | null;
  readonly localUser: string;
}

/** What a `Match exec` needs before it can be run: the facts so far, which its tokens stand for. */
export interface ExecFacts {
  readonly hostName: string;
  readonly original: string;
  readonly user: string;
  readonly port: number;
  readonly hostKeyAlias: string | null;
}

/** Runs the command of a `Match exec`, or remembers how it went; null: not known yet. Throws for one that may not be run. */
export type Exec = (command: string, at: string, trusted: boolean, facts: ExecFacts) => boolean | null;

/** Thrown inside to wait for a command. */
export class NotKnownYet extends Error {}

/** The reading of one or two passes over the user's and the system's file. */
export class Evaluation {
  readonly settings = new GatheredSettings();
  readonly #query: Query;
  readonly #exec: Exec;
  #final = false;
  #host: string;
  #wantsFinal = false;

  constructor(query: Query, exec: Exec) {
    this.#query = query;
    this.#exec = exec;
    this.#host = query.host;
    if (query.user !== null) this.settings.put('user', { values: [query.user], at: '', trusted: true });
    if (query.port !== null) this.settings.put('port', { values: [String(query.port)], at: '', trusted: true });
  }

  /** A `Match final` was seen: everything is to be read a second time. */
  get wantsFinal(): boolean {
    return this.#wantsFinal;
  }

  /** HostName as far as it is known by now, `%h` replaced. */
  get hostName(): string {
    const setting = this.settings.first('hostname');
    const [text = ''] = setting?.values ?? [];
    return setting === undefined
      ? this.#query.host
      : expandTokens(text, { letters: { h: this.#query.host }, env: null }, setting.at);
  }

  /** Reads the files once. `final`: the second time, for the name that was found the first time. */
  pass(roots: readonly (readonly Block[])[], final: string | null): void {
    this.#final = final !== null;
    this.#host = final ?? this.#query.host;
    for (const root of roots) this.#file(root, true);
  }

  /** `outer` is false inside an Include of a block that does not apply: no Host or Match there can open it again. */
  #file(blocks: readonly Block[], outer: boolean): void {
    for (const { head, items, anywhere } of blocks) {
      const active = (head === null || this.#applies(head)) && outer;
      for (const item of active ? items : anywhere) this.#read(item, active);
    }
  }

  #read(item: Item, active: boolean): void {
    switch (item.do) {
      case 'include':
        for (const file of item.files) this.#file(file, active);
        break;
      case 'unknown':
        if (!this.#ignores(item.keyword)) throw unknownKeyword(item.keyword, item.at);
        break;
      case 'set':
        this.settings.set(item);
    }
  }

  #applies(head: Head): boolean {
    return head.kind === 'host' ? matchPatterns(this.#host, head.patterns) === 'yes' : this.#match(head);
  }

  #ignores(keyword: string): boolean {
    const [patterns] = this.settings.first('ignoreunknown')?.values ?? [];
    return patterns !== undefined && matchName(keyword, patterns);
  }

  #match({ conditions, at, trusted }: Extract<Head, { kind: 'match' }>): boolean {
    let result = true;
    for (const condition of conditions) {
      if (condition.about === 'pass' && condition.final) this.#wantsFinal = true;
      // What comes after a condition that does not hold is looked at for `final` only; no command is run for it.
      if (result) result = this.#holds(condition, at, trusted) !== condition.negated;
    }
    return result;
  }

  #holds(condition: Condition, at: string, trusted: boolean): boolean {
    switch (condition.about) {
      case 'all':
        return true;
      case 'pass':
        return this.#final;
    }
    const { argument } = condition;
    const { host: original, localUser } = this.#query;
    switch (condition.about) {
      case 'host':
        return matchName(this.#facts().hostName, argument);
      case 'originalhost':
        return matchName(original, argument);
      case 'user':
        return matchText(this.#facts().user, argument);
      case 'localuser':
        return matchText(localUser, argument);
      case 'tagged':
        return matchText(this.settings.first('tag')?.values[0] ?? '', argument);
      case 'localnetwork':
        return matchNetworks({ at, keyword: 'match' }, argument, ownAddresses());
      // A relay runs no session: neither a command nor a subsystem.
      case 'command':
        return argument === '';
      case 'sessiontype':
        return matchText('none', argument);
      case 'version':
        return matchText('OpenSSH_9.2', argument);
      case 'exec': {
        const answer = this.#exec(argument, at, trusted, this.#facts());
        if (answer === null) throw new NotKnownYet();
        return answer;
      }
    }
  }

  #facts(): ExecFacts {
    return {
      hostName: this.#final ? this.#host : this.hostName,
      original: this.#query.host,
      user: this.settings.first('user')?.values[0] ?? this.#query.localUser,
      port: Number(this.settings.first('port')?.values[0] ?? 22),
      hostKeyAlias: this.settings.first('hostkeyalias')?.values[0] ?? null,
    };
  }
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
}
