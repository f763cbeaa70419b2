import type { Duplex } from 'node:stream';
import type { Endpoint } from './endpoint.ts';

/** The host at the end of a link, as a plugin may use it. It never offers the SSH client itself. */
export interface RemoteHost {
  readonly facts: RemoteFacts;
  /**
   * Runs a POSIX script with `sh`, whatever the login shell is and prints. The script and `stdin` travel on standard input, never in an
   * argument. Rejects with REMOTE_REFUSED where the host runs no commands, with OPEN_TIMEOUT where it opens no session in time, with what
   * ended the link, and with the signal's reason.
   */
  run(script: string, options?: RunOptions): Promise<RunEnd>;
  /**
   * Reads a file of at most `most` bytes (default 1 MiB), within 30 s. Rejects with REMOTE_FILE (missing, unreadable, too large, too slow), and with
   * what `run` rejects with.
   */
  readFile(path: string, options?: { readonly most?: number; readonly signal?: AbortSignal }): Promise<Buffer>;
  /**
   * Writes a file that is born with its mode (default 0600) and replaces what was there in one step, within 30 s. Rejects with REMOTE_FILE, and with
   * what `run` rejects with.
   */
  writeFile(
    path: string,
    data: string | Buffer,
    options?: { readonly mode?: number; readonly signal?: AbortSignal },
  ): Promise<void>;
  /**
   * Opens a connection to an address as the host sees it. Rejects with TARGET_REFUSED where nothing answers, FORWARDING_REFUSED where the server
   * forbids it, OPEN_TIMEOUT where that takes longer than the relay's `deadlines.open` (5 s) after the server has seen it, and with what ended the link.
   * A stream that was cut fails (CONNECTION_CUT, or what ended the link): its end is the target's own.
   */
  dial(target: Endpoint): Promise<Duplex>;
}

/** What is known of the host. */
export interface RemoteFacts {
  /** `user@address:port`. */
  readonly remote: string;
  readonly user: string;
}

export interface RunOptions {
  /** What the script reads on its standard input: text, or pieces that come with time. Default: nothing, and its end at once. */
  readonly stdin?: string | Buffer | AsyncIterable<string | Buffer>;
  /** ms after which it is ended, or not begun any more; Infinity: with the link. Default 30 s. */
  readonly deadline?: number;
  /** Ends it: its channel is closed, and with it what it left running in its session, if that reads its input. */
  readonly signal?: AbortSignal;
  /** Called with each piece of its output, without the noise of login shells. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  /** How many bytes of each stream are kept for the end; the rest is left out. Default 64 KiB. */
  readonly most?: number;
}

/** How a script ended. */
export interface RunEnd {
  /** Exit code; null where a signal, the deadline or the server ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** True when its deadline ended it. */
  readonly late: boolean;
}
