/** OpenBSD's bcrypt_pbkdf(3) in JavaScript. */
declare module 'bcrypt-pbkdf' {
  const bcrypt: {
    /** Fills `key`; returns 0, or -1 where the arguments are out of bounds. */
    pbkdf(
      pass: Uint8Array,
      passlen: number,
      salt: Uint8Array,
      saltlen: number,
      key: Uint8Array,
      keylen: number,
      rounds: number,
    ): number;
  };
  export default bcrypt;
}
