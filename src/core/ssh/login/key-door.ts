import ssh2, { type Client, type ParsedKey } from 'ssh2';
import { Fault } from '../../model/fault.ts';
import { wireString } from '../identity/key-blob.ts';
import type { ServerTraits } from '../identity/algorithm.ts';
import { openKeyDoor } from '../internals.ts';

/** One identity's turn in a login. Neither promise rejects; null passes on to the next identity. */
export interface KeyTurn {
  /** The message to begin with. */
  first(server: ServerTraits): Promise<Buffer | null>;
  /** The message after the server said that it would take the key. */
  second(): Promise<Buffer | null>;
}

const turns = new WeakMap<ParsedKey, KeyTurn>();

/** A turn in the form in which ssh2 takes a private key: it sees an Ed25519 key, with which it never has to do anything. */
export function wrapTurn(turn: KeyTurn): ParsedKey {
  const some = ssh2.utils.parseKey(Buffer.concat(['ssh-ed25519', Buffer.alloc(32)].map(wireString)));
  if (some instanceof Error) throw new Fault('INTERNAL', 'a bug in towline: ssh2 parses no key; please report it');
  const key: ParsedKey = Object.create(some, { isPrivateKey: { value: () => true } });
  turns.set(key, turn);
  return key;
}

/**
 * Sends what wrapped turns say, from after `connect()` to `signal`. ssh2 itself knows no certificates and no FIDO keys, cannot wait for
 * a file's signature, and signs by SHA-1 where a server names no algorithm.
 */
export function takeTurns(client: Client, signal: AbortSignal): void {
  const door = openKeyDoor(client, (key, taken) => {
    const turn = turns.get(key);
    if (turn === undefined) return false;
    void (taken ? turn.second() : turn.first(door.server())).then((message) => {
      if (signal.aborted) return;
      if (message === null) door.pass();
      else door.send(message);
    });
    return true;
  });
}
