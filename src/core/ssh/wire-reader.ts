/** Reads the data types of RFC 4251 section 5 one after the other; throws the error that `broken` makes where the data ends too soon. */
export class WireReader {
  readonly #data: Buffer;
  readonly #broken: () => Error;
  #at = 0;

  constructor(data: Buffer, broken: () => Error) {
    this.#data = data;
    this.#broken = broken;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#data.length - this.#at;
  }

  /** A `byte`. */
  byte(): number {
    return this.bytes(1).readUInt8();
  }

  /** A `uint32`. */
  number(): number {
    return this.bytes(4).readUInt32BE();
  }

  /** A `uint64`. */
  long(): bigint {
    return this.bytes(8).readBigUInt64BE();
  }

  /** A `string`, without its length. */
  string(): Buffer {
    return this.bytes(this.number());
  }

  /** So many bytes as they are. */
  bytes(length: number): Buffer {
    if (length > this.left) throw this.#broken();
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }

  /** All that is left. */
  rest(): Buffer {
    return this.bytes(this.left);
  }
}
