/** How much a line matters. `debug` is shown only when asked for. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** One event in words. */
export interface Description {
  readonly level: Level;
  readonly text: string;
}

export const debug = (text: string): Description => ({ level: 'debug', text });
export const info = (text: string): Description => ({ level: 'info', text });
export const warn = (text: string): Description => ({ level: 'warn', text });
export const error = (text: string): Description => ({ level: 'error', text });
