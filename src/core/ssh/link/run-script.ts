import type { Client, ClientChannel } from 'ssh2';

/** What became of a script on the host. */
export interface ScriptEnd {
  /** Exit code; null where a signal or the deadline ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ScriptOptions {
  /** Given to it on standard input. */
  readonly input: string;
  /** ms after which it is given up. */
  readonly deadline: number;
}

/** So much of each stream is kept, bytes: a script is asked for a word, not for a flood. */
const most = 64 * 1024;

/**
 * Runs a command on the host and gives it `input` (RFC 4254 section 6.5). Null where the server runs none: a restricted account. What it
 * prints beyond 64 KiB is left out.
 */
export function runScript(
  client: Client,
  command: string,
  { input, deadline }: ScriptOptions,
): Promise<ScriptEnd | null> {
  return new Promise((resolve) => {
    const started = (error: Error | undefined, channel: ClientChannel) => {
      if (error) return resolve(null);
      const out = keep(channel);
      const err = keep(channel.stderr);
      let code: number | null = null;
      const timer = setTimeout(() => end(), deadline);
      const end = () => {
        clearTimeout(timer);
        client.off('close', end);
        channel.close();
        resolve({ code, stdout: out(), stderr: err() });
      };
      channel.on('error', () => undefined);
      channel.on('exit', (status: number | null) => {
        code = status;
      });
      channel.on('close', end);
      client.once('close', end);
      channel.end(input);
    };
    try {
      client.exec(command, started);
    } catch {
      // Not connected any more: whoever asked hears of that from the link.
      resolve(null);
    }
  });
}

function keep(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < most) chunks.push(chunk.subarray(0, most - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
