import { wireString } from '../identity/key-blob.ts';

/** What a public-key request speaks of. */
export interface KeyRequest {
  readonly user: string;
  /** The signature's algorithm, by the name that the request gives it: a certificate's has its own. */
  readonly algorithm: string;
  /** The key or certificate in its wire form. */
  readonly blob: Buffer;
}

/** Asks a server whether it would take a key: a message of RFC 4252 section 7. */
export function writeKeyQuery(request: KeyRequest): Buffer {
  return write(request, false);
}

/** What is to be signed to log in by a key, for the connection with this session identifier. */
export function writeSigned(request: KeyRequest, session: Buffer): Buffer {
  return Buffer.concat([wireString(session), write(request, true)]);
}

/** Logs in by a key: the message with its signature. */
export function writeKeyLogin(request: KeyRequest, signature: Buffer): Buffer {
  return Buffer.concat([write(request, true), wireString(signature)]);
}

/** SSH_MSG_USERAUTH_REQUEST. */
const number = 50;

function write({ user, algorithm, blob }: KeyRequest, signed: boolean): Buffer {
  const names = [user, 'ssh-connection', 'publickey'].map(wireString);
  return Buffer.concat([
    Buffer.from([number]),
    ...names,
    Buffer.from([Number(signed)]),
    ...[algorithm, blob].map(wireString),
  ]);
}
