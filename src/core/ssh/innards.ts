import type { ParsedKey } from 'ssh2';

/** What internals.ts uses of ssh2's client. */
export interface PrivateClient {
  readonly _chanMgr: { get(recipient: number): unknown };
  readonly _protocol: {
    readonly _handlers: Record<string, Handler | undefined>;
    readonly _strictMode?: boolean;
    readonly _cipher: { allocPacket(payload: number): Buffer; encrypt(packet: Buffer): void };
    readonly _kex: KeyExchange;
    readonly _kexinit?: Buffer;
    readonly _packetRW: { readonly write: PacketWriter };
    readonly _authsQueue: string[];
    _queue?: readonly Buffer[];
    /** What came of a greeting so far. */
    _buffer?: Buffer;
    _parse: Parse;
    authPK: AuthPK;
    directTcpip: OpenChannel;
    openssh_directStreamLocal: OpenChannel;
    channelOpenConfirm: ConfirmChannel;
    ping(): void;
    channelWindowAdjust(channel: number, amount: number): void;
  };
  readonly _callbacks: ((failed: unknown) => void)[];
  /** The listeners that the server granted: by address and port the real port, by path. */
  readonly _forwarding: Record<string, number>;
  readonly _forwardingUnix: Record<string, boolean>;
  readonly _remoteVer?: string;
}

interface KeyExchange {
  readonly sessionID: Buffer;
  finish(early: boolean): unknown;
}

type Parse = (this: PrivateClient['_protocol'], chunk: Buffer, from: number, length: number) => number;

interface PacketWriter {
  readonly allocStart: number;
  alloc(payload: number): Buffer;
  finalize(packet: Buffer): Buffer;
}

type AuthPK = (this: unknown, user: string, key: ParsedKey, algorithm?: string, sign?: unknown) => void;

/** What a server says of itself with SSH_MSG_EXT_INFO (RFC 8308 section 2.3). */
export type Extensions = readonly { readonly name: string; readonly algs?: readonly string[] }[];

type OpenChannel = (this: unknown, channel: number, window: number, packet: number, target: unknown) => void;

type ConfirmChannel = (this: unknown, remote: number, channel: number, window: number, packet: number) => void;

type Handler = (protocol: unknown, ...rest: readonly unknown[]) => void;

/** What it uses of a channel. */
export interface PrivateChannel {
  readonly type: string;
  readonly incoming: { readonly id: number; window: number; readonly state: string };
  readonly outgoing: { readonly id: number; readonly state: string; readonly packetSize: number };
  push(chunk: Buffer | null): boolean;
  _read(): void;
}
