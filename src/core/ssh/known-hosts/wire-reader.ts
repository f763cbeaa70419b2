/** Reads the data types of RFC 4251 section 5 one after the other. Throws RangeError where the data ends too early. */
export class WireReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  byte(): number {
    return this.bytes(1).readUInt8();
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  /** A `string`: its length, then its bytes. */
  string(): Buffer {
    return this.bytes(this.uint32());
  }

  bytes(length: number): Buffer {
    if (length > this.left) throw new RangeError(`${length} bytes are wanted where ${this.left} are left`);
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }
}
