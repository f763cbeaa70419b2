interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** What this process asked its supervisor and has no answer to yet, by number. Each is answered, refused or withdrawn, once. */
export class Requests<Answer> {
  readonly #waiting = new Map<number, Waiting<Answer>>();
  #last = 0;

  /** Asks under a new number. Where `signal` comes first the request is withdrawn, and its reason is what rejects. */
  ask(ask: (request: number) => void, withdraw: (request: number) => void, signal: AbortSignal): Promise<Answer> {
    this.#last += 1;
    const request = this.#last;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const aborted = () => {
        this.#waiting.delete(request);
        withdraw(request);
        reject(signal.reason);
      };
      const over = () => {
        signal.removeEventListener('abort', aborted);
        this.#waiting.delete(request);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.set(request, {
        resolve: (answer) => {
          over();
          resolve(answer);
        },
        reject: (error) => {
          over();
          reject(error);
        },
      });
      ask(request);
    });
  }

  answer(request: number, answer: Answer): void {
    this.#waiting.get(request)?.resolve(answer);
  }

  refuse(request: number, error: unknown): void {
    this.#waiting.get(request)?.reject(error);
  }
}
