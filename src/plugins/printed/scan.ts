import { performance } from 'node:perf_hooks';
import { printable, Secret } from '../../plugin.ts';
import { JsonLines } from './json-lines.ts';
import { atPath, type JsonPath, tokenText } from './json-path.ts';
import { PlainText } from './plain-text.ts';
import { isOwn, type Place, placeOf } from './printed-url.ts';

/** What is looked for in the output of a backend. */
export interface ScanRules {
  /** The first group is the token. */
  readonly token: RegExp | null;
  /** Leads to the token in a line that is JSON. */
  readonly json: JsonPath | null;
  /** What it prints when it has none. */
  readonly none: RegExp | null;
  /** The first group is the port. */
  readonly port: RegExp | null;
  /** What the host calls itself; an address with any other name than these and loopback's is not believed (FAULTS T59). */
  readonly hosts: readonly string[];
  /** The port that it was told to use: a token for another one is not believed. */
  readonly fixed: number | null;
}

/** What it has said so far. */
export interface Found {
  readonly token: Secret | null;
  /** It says that it has none. */
  readonly none: boolean;
  readonly port: number | null;
}

/** Who hears of it. */
export interface ScanNews {
  /** Something new was found; all that is known. */
  found(found: Found): void;
  /** A sentence for the user; the same one comes once, and never more than eight. */
  warn(text: string): void;
}

/** One stream of the output. */
export interface ScannedStream {
  add(chunk: Buffer): void;
  /** Looks at the end of it too: it has ended, or nothing came for a while. A token at the very end may go on in the next piece. */
  rest(): void;
}

/** So much text is looked at together, characters; each pattern is bounded by it, and a line that is longer is read in halves of it. */
const widest = 2048;

/** A pattern that takes longer for so little text is given up, ms. */
const patience = 250;

type Kind = 'token' | 'none' | 'port';

/** Finds token and port in what a backend prints, in pieces cut anywhere and with colour codes in them. Keeps 4 KiB a stream, and 65,536 characters more for a path into JSON. */
export class OutputScanner {
  readonly #rules: ScanRules;
  readonly #patterns: Map<Kind, RegExp>;
  readonly #news: ScanNews;
  readonly #warned = new Set<string>();
  #found: Found = { token: null, none: false, port: null };
  /** The port of the address in which the token stood. */
  #at: number | null = null;

  constructor(rules: ScanRules, news: ScanNews) {
    this.#rules = rules;
    this.#news = news;
    const kinds = ['port', 'token', 'none'] as const;
    this.#patterns = new Map(
      kinds.flatMap((kind) => {
        const pattern = rules[kind];
        // All matches with the places of their groups.
        return pattern === null ? [] : [[kind, new RegExp(pattern.source, 'dgu')] as const];
      }),
    );
  }

  get found(): Found {
    return this.#found;
  }

  /** Its streams are cut apart: half a line of one is not the beginning of the other's. */
  stream(): ScannedStream {
    const plain = new PlainText();
    const { json: path } = this.#rules;
    const json = path === null ? null : new JsonLines((value) => this.#takeJson(value, path));
    let line = '';
    const read = (text: string) => {
      json?.add(text);
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const one of lines) this.#readLine(one);
      // Halves overlap, so that what is shorter than one stands whole in some window.
      while (line.length >= widest) {
        this.#read(line.slice(0, widest), false);
        line = line.slice(widest / 2);
      }
      if (line !== '') this.#read(line, false);
    };
    return {
      add: (chunk) => read(plain.add(chunk)),
      rest: () => {
        read(plain.end());
        this.#readLine(line);
        json?.rest();
      },
    };
  }

  #readLine(line: string): void {
    let text = line;
    for (; text.length > widest; text = text.slice(widest / 2)) this.#read(text.slice(0, widest), false);
    this.#read(text, true);
  }

  /** `whole`: nothing follows that could be part of a match at its end. */
  #read(text: string, whole: boolean): void {
    for (const [kind, pattern] of this.#patterns) {
      const began = performance.now();
      const matches = [...text.matchAll(pattern)];
      if (performance.now() - began > patience) {
        this.#patterns.delete(kind);
        this.#warn(
          `the pattern for its ${kind} takes too long on what it prints, and is not used any more; simplify it`,
        );
      }
      for (const match of matches) {
        const [from, to] = match.indices?.[1] ?? match.indices?.[0] ?? [0, 0];
        if (!whole && match.index + match[0].length === text.length) continue;
        this.#take(kind, match[1] ?? '', placeOf(text, from, to));
      }
    }
  }

  #take(kind: Kind, text: string, place: Place | null): void {
    if (place !== null && !isOwn(place, this.#rules.hosts)) {
      const what =
        place.host === null ? 'an address that cannot be read' : `an address of another host, ${printable(place.host)}`;
      this.#warn(`it printed ${what}, which is not believed`);
      return;
    }
    if (kind === 'port') return this.#takePort(Number(text));
    if (kind === 'token') return this.#takeToken(place === null ? text : decode(text), place?.port ?? null);
    // A token that it has printed counts more than a sentence.
    if (this.#found.token === null && !this.#found.none) this.#tell({ ...this.#found, none: true });
  }

  #takeJson(value: unknown, path: JsonPath): void {
    const token = atPath(value, path);
    const text = tokenText(token);
    if (text !== undefined) return this.#takeToken(text, null);
    if (typeof token === 'number')
      this.#warn('it printed a number as its token that cannot be read exactly; let it print a text');
  }

  #takePort(port: number): void {
    if (!Number.isInteger(port) || port < 1 || port > 65_535 || port === this.#found.port) return;
    const { fixed } = this.#rules;
    if (fixed !== null && port !== fixed) return this.#warn(`it printed port ${port}, and was told to use ${fixed}`);
    if (this.#found.port !== null) this.#warn(`it printed port ${port} after ${this.#found.port}; the last one counts`);
    this.#tell({ ...this.#found, port });
  }

  #takeToken(text: string, at: number | null): void {
    // Jupyter prints dots in place of a token that it was given.
    if (/^[.*]*$/.test(text) || text === this.#found.token?.reveal()) return;
    if (!/^[!-~]{1,4096}$/.test(text)) return this.#warn('it printed a token that no request can carry');
    const { fixed } = this.#rules;
    if (at !== null && fixed !== null && at !== fixed) {
      return this.#warn(`it printed a token for port ${at}, which is not believed: it was told to use ${fixed}`);
    }
    if (this.#found.token !== null) {
      if (at !== this.#at) return this.#warn('it printed another token for another address; the first one counts');
      this.#warn('it printed another token; the last one counts');
    }
    this.#at = at;
    this.#tell({ ...this.#found, token: new Secret(text), none: false });
  }

  #tell(found: Found): void {
    this.#found = found;
    this.#news.found(found);
  }

  #warn(text: string): void {
    if (this.#warned.has(text) || this.#warned.size >= 8) return;
    this.#warned.add(text);
    this.#news.warn(text);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
