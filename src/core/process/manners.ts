import { writeSync } from 'node:fs';
import { placeOf } from './stack-place.ts';

/** How a process with these manners says why it ends, and how V8 does. A program may have written many an error before. */
export const endingWords =
  /^FATAL ERROR: |^Error: process\.\w+\(.*\) was called|^Error: .* \((?:uncaughtException|unhandledRejection)/;

/** Says something to the supervisor, and calls back when it is with its kernel. */
export type Send<Message extends object> = (message: Message, sent?: () => void) => void;

/**
 * For a forked process of ours. What plugins share with it is kept from their slips: the channel to the supervisor is taken out of their reach, and
 * whoever ends the process is named in its last words, which the supervisor shows. Returns the channel and the way out.
 */
export function keepManners<Message extends object>(): { readonly send: Send<Message>; readonly exit: () => never } {
  const send = process.send?.bind(process);
  const disconnect = process.disconnect?.bind(process);
  const exit = process.exit.bind(process);
  Reflect.deleteProperty(process, 'send');
  // Not taken away: Node itself calls it when the supervisor is gone, and 'disconnect' would never come.
  process.disconnect = () => {
    const place = at(new Error('here'));
    if (place === '') return disconnect?.();
    lastWords(`Error: process.disconnect() was called${place}`);
    exit(1);
  };
  process.exit = (code) => {
    lastWords(`Error: process.exit(${code ?? ''}) was called${at(new Error('here'))}`);
    return exit(code);
  };
  process.on('uncaughtException', (error: unknown, origin) => {
    const text = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? `\n${error.stack}` : '';
    lastWords(`Error: ${text} (${origin}${at(error)})${stack}`);
    exit(1);
  });
  return {
    send: (message, sent) => {
      // A supervisor that is gone is noticed by 'disconnect'.
      if (send === undefined || !process.connected) return sent?.();
      send(message, undefined, undefined, () => sent?.());
    },
    exit: () => exit(0),
  };
}

function at(error: unknown): string {
  const place = placeOf(error);
  return place === null ? '' : ` at ${place}`;
}

/** Synchronously: nothing that is only queued gets out any more. */
function lastWords(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody listens any more.
  }
}
