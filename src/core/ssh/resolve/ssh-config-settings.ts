import { Fault } from '../../model/fault.ts';
import type { ConfigFile, ConfigSources } from './ssh-config-file.ts';
import { isKnownKeyword, missing, readers } from './ssh-config-keyword.ts';
import type { ConfigLine } from './ssh-config-line.ts';
import { isIgnored, type MatchFacts, matchHostLine, matchMatchLine } from './ssh-config-match.ts';
import { expandTokens } from './tokens.ts';

/** A value with the place where it was set. */
export interface Setting {
  readonly values: readonly string[];
  /** `file:line`. */
  readonly at: string;
}

/** All that an ssh_config says of one host, not yet expanded. */
export interface Settings {
  /** By keyword in lower case; of several the first was kept. */
  readonly first: ReadonlyMap<string, Setting>;
  /** IdentityFile accumulates. */
  readonly identityFiles: readonly Setting[];
  readonly warnings: readonly string[];
}

/** Who asks, and for which host. */
export interface Query {
  readonly host: string;
  /** The user that was named beside the host; it wins over the config. */
  readonly user: string | null;
  readonly localUser: string;
}

/** Evaluates an ssh_config for one host: the first value wins, in the order in which ssh reads. Throws SSH_CONFIG_INVALID. */
export function evaluate(sources: ConfigSources, query: Query): Settings {
  const evaluation = new Evaluation(query);
  evaluation.pass(sources.roots, false);
  if (evaluation.wantsFinal) evaluation.pass(sources.roots, true);
  return evaluation;
}

/** HostName with its only token, `%h`. */
export function expandHostName(setting: Setting | undefined, host: string): string {
  const [text = host] = setting?.values ?? [];
  return setting === undefined ? host : expandTokens(text, { letters: { h: host }, env: null }, setting.at);
}

class Evaluation implements Settings {
  readonly first = new Map<string, Setting>();
  readonly identityFiles: Setting[] = [];
  readonly warnings: string[] = [];
  wantsFinal = false;
  readonly #query: Query;
  #active = true;
  #final = false;
  #host: string;

  constructor(query: Query) {
    this.#query = query;
    this.#host = query.host;
  }

  pass(roots: readonly ConfigFile[], final: boolean): void {
    this.#final = final;
    if (final) this.#host = this.#hostName();
    for (const root of roots) {
      this.#active = true;
      this.#file(root, true);
    }
  }

  /** `reachable` is false inside an Include of a block that does not apply: no Host or Match there can open it again. */
  #file(file: ConfigFile, reachable: boolean): void {
    for (const line of file.lines) {
      switch (line.keyword) {
        case 'host':
          this.#active = matchHostLine(line, this.#host) && reachable;
          break;
        case 'match':
          this.#active = reachable && this.#match(line);
          break;
        case 'include': {
          const outer = this.#active;
          for (const child of line.includes) {
            this.#file(child, reachable && outer);
            // A Host or Match in the included file ends with it.
            this.#active = outer;
          }
          break;
        }
        default:
          this.#set(line);
      }
    }
  }

  #match(line: ConfigLine): boolean {
    const answer = matchMatchLine(line, this.#facts());
    this.wantsFinal ||= answer.wantsFinal;
    if (answer.warning !== null) this.#warn(answer.warning);
    return answer.matches;
  }

  #set(line: ConfigLine): void {
    const { keyword, at } = line;
    const reader = Object.hasOwn(readers, keyword) ? readers[keyword] : undefined;
    if (reader === undefined) return this.#pass(line);
    const setting: Setting = { values: reader(line), at };
    if (!this.#active) return;
    if (keyword === 'identityfile' || keyword === 'identityfile2') {
      const known = this.identityFiles.some((other) => other.values[0] === setting.values[0]);
      if (!known) this.identityFiles.push(setting);
    } else if (!this.first.has(keyword) && !this.#outdone(keyword)) {
      this.first.set(keyword, setting);
    }
  }

  /** ProxyJump and ProxyCommand exclude each other: the first one stands, save that `ProxyJump none` leaves room for a command. */
  #outdone(keyword: string): boolean {
    if (keyword === 'proxyjump') return this.first.has('proxycommand');
    if (keyword !== 'proxycommand') return false;
    const [jump = 'none'] = this.first.get('proxyjump')?.values ?? [];
    return jump.toLowerCase() !== 'none';
  }

  #pass(line: ConfigLine): void {
    const { keyword, at } = line;
    if (!isKnownKeyword(keyword)) {
      const [ignored = ''] = this.first.get('ignoreunknown')?.values ?? [];
      if (!isIgnored(keyword, ignored)) this.#warn(`${at}: "${keyword}" is no keyword of ssh and is left out`);
      return;
    }
    if (!this.#active) return;
    const [value = ''] = line.args;
    if (keyword === 'revokedhostkeys' && value.toLowerCase() !== 'none') {
      // To pass over a list of stolen keys would be to trust them.
      throw new Fault(
        'SSH_CONFIG_INVALID',
        `${at}: RevokedHostKeys is not supported yet; mark the keys @revoked in known_hosts`,
      );
    }
    const harmless = Object.hasOwn(missing, keyword) ? missing[keyword] : undefined;
    if (harmless !== undefined && !harmless.includes(value.toLowerCase())) {
      this.#warn(`${at}: "${keyword}" is not supported yet and is left out`);
    }
  }

  #facts(): MatchFacts {
    const { host: original, user, localUser } = this.#query;
    const configured = this.first.get('user')?.values[0];
    const hostName = this.#final ? this.#host : this.#hostName();
    return {
      host: this.#host,
      original,
      hostName,
      user: user ?? configured ?? localUser,
      localUser,
      final: this.#final,
    };
  }

  #hostName(): string {
    return expandHostName(this.first.get('hostname'), this.#query.host);
  }

  #warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }
}
