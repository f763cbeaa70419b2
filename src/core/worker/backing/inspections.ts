import type { Guests } from '../../plugin/guests.ts';
import { remoteHost } from '../../ssh/link/remote-host.ts';
import type { Link } from '../../ssh/link/link.ts';

/** How soon a host that a plugin has something to say of is looked at again, ms. */
const again = 60_000;

/** Has the plugins look at the host over one link after the other, for what the user should know of it. Nobody waits for them. */
export class Inspections {
  readonly #guests: Pick<Guests, 'inspect'>;
  readonly #noted: (plugin: string, notes: readonly string[]) => void;
  /** Counts what was begun and stopped: a look that is still on its way then says nothing any more. */
  #round = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(guests: Pick<Guests, 'inspect'>, noted: (plugin: string, notes: readonly string[]) => void) {
    this.#guests = guests;
    this.#noted = noted;
  }

  begin(link: Link): void {
    this.stop();
    void this.#look(link, this.#round);
  }

  stop(): void {
    this.#round += 1;
    clearTimeout(this.#timer);
  }

  async #look(link: Link, round: number): Promise<void> {
    let open = false;
    await this.#guests.inspect(remoteHost(link), (plugin, notes) => {
      if (link.fault !== null || round !== this.#round) return;
      this.#noted(plugin, notes);
      open ||= notes.length > 0;
    });
    if (open && link.fault === null && round === this.#round) {
      this.#timer = setTimeout(() => void this.#look(link, round), again);
    }
  }
}
