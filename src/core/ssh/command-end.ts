/** With which the stream of a ProxyCommand ends; its text is a sentence without what to do. */
export class CommandEnd extends Error {
  /** Null: it was killed, could not be run, or lives on without its output. */
  readonly exit: number | null;
  /** For how long it ran, ms. */
  readonly ran: number;
  /** There is nothing to run, or nothing that may be: another try finds the same. */
  readonly missing: boolean;

  constructor(text: string, exit: number | null, ran: number, missing = false) {
    super(text);
    this.exit = exit;
    this.ran = Math.round(ran);
    this.missing = missing;
  }
}
