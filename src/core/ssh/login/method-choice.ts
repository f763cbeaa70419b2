import type { AuthMethod } from '../resolve/host-config.ts';

/**
 * Picks the way to log in as ssh does (sshconnect2.c, `authmethod_get`): the first of our own list that the server still takes; it stays
 * with it until it is exhausted, and begins anew when the server names another list.
 */
export class MethodChoice {
  readonly #preferred: readonly AuthMethod[];
  readonly #exhausted = new Set<AuthMethod>();
  #taken = '';
  #from = 0;
  #current: AuthMethod | null = null;

  constructor(preferred: readonly AuthMethod[]) {
    this.#preferred = preferred;
  }

  /** What to try next; null when nothing is left. `taken`: what the server says it takes; null before it said so. */
  next(taken: readonly string[] | null): AuthMethod | null {
    const named = (taken ?? []).filter((name) => name !== '');
    const list = named.length === 0 ? this.#preferred.join() : named.join();
    if (list !== this.#taken) {
      this.#taken = list;
      this.#from = 0;
      this.#current = null;
    } else if (this.#current !== null && !this.#exhausted.has(this.#current)) return this.#current;
    const allowed = list.split(',');
    this.#current = null;
    while (this.#current === null && this.#from < this.#preferred.length) {
      const method = this.#preferred[this.#from];
      this.#from += 1;
      if (method !== undefined && allowed.includes(method) && !this.#exhausted.has(method)) this.#current = method;
    }
    return this.#current;
  }

  /** It has nothing more to offer in this login. */
  exhaust(method: AuthMethod): void {
    this.#exhausted.add(method);
  }
}
