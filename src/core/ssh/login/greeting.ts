import { printable } from '../../model/printable.ts';
import type { AlgorithmLists } from './algorithms.ts';
import { readOffer } from './key-exchange-init.ts';

/** A server may send text lines before its identification (RFC 4253 section 4.2), but not for ever: bytes, and lines. */
const limit = { size: 64 * 1024, lines: 1_000 };

/** The clear beginning of a connection: what the server says before the keys are agreed on. */
export class Greeting {
  #heard = '';
  #server: string | null = null;
  #offer: AlgorithmLists | null | undefined;

  /** All of it, byte by byte. */
  get heard(): string {
    return this.#heard;
  }

  /** The server's identification string, escaped; null before it came. */
  get server(): string | null {
    return this.#server;
  }

  /** The algorithms that the server offers; null where they cannot be read, undefined before they came. */
  get offer(): AlgorithmLists | null | undefined {
    return this.#offer;
  }

  /** More text than a server may send before its greeting. */
  get endless(): boolean {
    return this.#server === null && (this.#heard.length > limit.size || this.#heard.split('\n').length > limit.lines);
  }

  take(chunk: Buffer): void {
    this.#heard += chunk.toString('latin1');
    const line = /(?:^|\n)(SSH-[^\r\n]*)\r?\n/.exec(this.#heard);
    if (line?.[1] === undefined) return;
    this.#server = printable(line[1]);
    this.#offer = readOffer(Buffer.from(this.#heard.slice(line.index + line[0].length), 'latin1'));
  }
}
