import { Duplex } from 'node:stream';
import type { Backend, TokenDoor, TokenWire } from '../model/backend.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Credential } from '../model/plugin.ts';
import { printable } from '../model/printable.ts';
import { Secret } from '../model/secret.ts';
import { spoken } from './call.ts';

/** What a hook answered is not what it may answer; the message is the rest of a sentence that begins with the plugin. */
export class Wrong extends Error {}

// Answers are built anew from what they must have: nothing else that a plugin hung onto them gets further.

/** No token or key is longer, characters. */
const longest = 64 * 1024;

/** A backend as a plugin told it. Throws Wrong. */
export function readBackend(value: unknown): Backend {
  const {
    target,
    run = null,
    adopted = false,
    token,
    door = null,
    opens = null,
    withLink,
    says = '',
    verify,
  } = mapOf(value, 'no backend');
  if (verify !== undefined && !isVerify(verify)) throw new Wrong('a backend whose verify is no function');
  if (run !== null && typeof run !== 'string') throw new Wrong('a backend whose run is no text and not null');
  return {
    target: readEndpoint(target),
    run: run === null ? null : short(run, 'a run'),
    adopted: adopted === true,
    ...(token === undefined ? {} : { token: readToken(token) }),
    door: door === null ? null : readDoor(door),
    opens: opens === null ? null : readOpens(opens),
    ...(withLink === true ? { withLink } : {}),
    says: typeof says === 'string' ? printable(says) : '',
    ...(verify === undefined ? {} : { verify: told(verify) }),
  };
}

/** Its faults are ours: a plugin may have its own copy of the class. */
function told(verify: NonNullable<Backend['verify']>): NonNullable<Backend['verify']> {
  return async (signal) => {
    try {
      return await verify(signal);
    } catch (error) {
      throw spoken(error) ?? error;
    }
  };
}

/** What it answers is looked at when it is called. */
function isVerify(value: unknown): value is NonNullable<Backend['verify']> {
  return typeof value === 'function';
}

function readOpens(value: unknown): NonNullable<Backend['opens']> {
  const { scheme, page } = mapOf(value, 'a backend whose address is no object and not null');
  if ((scheme === 'http' || scheme === 'ws') && typeof page === 'string' && /^\/[!-~]*$/.test(page))
    return { scheme, page };
  throw new Wrong('a backend whose address has no scheme (http, ws), or no page that begins with /');
}

/** A token; null: there is none. Throws Wrong. */
export function readToken(value: unknown): Secret | null {
  return value === null ? null : readSecret(value, 'a token');
}

/** Throws Wrong. */
export function readCredential(value: unknown): Credential {
  const { kind, key, passphrase, socket, password } = mapOf(value, 'no credential');
  switch (kind) {
    case 'key': {
      const text = readSecret(key, 'a key');
      return passphrase === undefined
        ? { kind, key: text }
        : { kind, key: text, passphrase: readSecret(passphrase, 'a passphrase') };
    }
    case 'agent':
      if (typeof socket !== 'string' || !socket.startsWith('/'))
        throw new Wrong('an agent without the path of a socket');
      return { kind, socket };
    case 'password':
      return { kind, password: readSecret(password, 'a password') };
    default:
      throw new Wrong(`a credential of the kind "${printable(String(kind))}", not key, agent or password`);
  }
}

/** Throws Wrong. */
export function readStream(value: unknown): Duplex {
  if (value instanceof Duplex) return value;
  throw new Wrong(`${kindOf(value)}, not a stream (node:stream Duplex)`);
}

/** A plugin may have its own copy of the class. */
function readSecret(value: unknown, what: string): Secret {
  const reveal = typeof value === 'object' && value !== null && 'reveal' in value ? value.reveal : null;
  const text: unknown = typeof reveal === 'function' ? Reflect.apply(reveal, value, []) : null;
  if (typeof text !== 'string') throw new Wrong(`${what} that is no Secret; write new Secret(text)`);
  if (text.length > longest) throw new Wrong(`${what} of ${text.length} characters, more than ${longest}`);
  return new Secret(text);
}

function readEndpoint(value: unknown): Endpoint {
  const { kind, host, port, path } = mapOf(value, 'a backend without a target');
  if (kind === 'tcp' && typeof host === 'string' && /^[\w.:%-]{1,255}$/.test(host) && isPort(port)) {
    return { kind, host, port };
  }
  if (kind === 'unix' && typeof path === 'string' && path.startsWith('/') && !path.includes('\0'))
    return { kind, path };
  throw new Wrong('a backend whose target is neither a host with a port nor the path of a socket');
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535;
}

function readDoor(value: unknown): TokenDoor {
  const { wire, kind, path } = mapOf(value, 'a backend whose door is none');
  if (kind !== 'http' && kind !== 'websocket') throw new Wrong('a door that is neither http nor websocket');
  if (typeof path !== 'string' || !/^\/[!-~]*$/.test(path)) throw new Wrong('a door whose path does not begin with /');
  return { kind, path: short(path, 'a path'), wire: readWire(wire) };
}

function readWire(value: unknown): TokenWire {
  const { in: place, name, before, user, protocols } = mapOf(value, 'a door without a wire');
  switch (place) {
    case 'query':
      return { in: place, name: word(name, 'a name in its query') };
    case 'header':
      return { in: place, name: word(name, 'the name of a header'), before: visible(before) };
    case 'basic':
      return { in: place, user: visible(user) };
    case 'subprotocol': {
      const list: readonly unknown[] = Array.isArray(protocols) ? protocols.slice(0, 16) : [];
      return { in: place, protocols: list.map((one) => word(one, 'a subprotocol')), before: visible(before) };
    }
    default:
      throw new Wrong(`a token in "${printable(String(place))}", not in query, header, basic or subprotocol`);
  }
}

/** What may stand in a request line or a header without ending it (RFC 9110 section 5.6.2). */
function word(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[!#$%&'*+.^_`|~\w-]{1,256}$/.test(value)) return value;
  throw new Wrong(`${what} that HTTP does not allow`);
}

function visible(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string' && /^[ -~]{0,256}$/.test(value)) return value;
  throw new Wrong('a door with text that HTTP does not allow');
}

function short(text: string, what: string): string {
  if (text.length > 1_024) throw new Wrong(`${what} of ${text.length} characters, more than 1024`);
  return text;
}

function mapOf(value: unknown, else_: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Wrong(`${else_}: ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}
