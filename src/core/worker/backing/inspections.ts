import type { Guests } from '../../plugin/guests.ts';
import { remoteHost } from '../../ssh/link/remote-host.ts';
import type { Link } from '../../ssh/link/link.ts';

/** How soon a host that a plugin has something to say of is looked at again, ms. */
const again = 60_000;

/** Has the plugins look at the host over one link after the other, for what the user should know of it. Nobody waits for them. */
export class Inspections {
  readonly #guests: Pick<Guests, 'inspect'>;
  readonly #noted: (plugin: string, notes: readonly string[]) => void;
  /** Of what was begun last; aborted when that is stopped: a look that is still on its way then says nothing any more. */
  #round = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(guests: Pick<Guests, 'inspect'>, noted: (plugin: string, notes: readonly string[]) => void) {
    this.#guests = guests;
    this.#noted = noted;
  }

  begin(link: Link): void {
    this.stop();
    this.#round = new AbortController();
    void this.#look(link, this.#round.signal);
  }

  stop(): void {
    this.#round.abort(new Error('the host is not looked at any more'));
    clearTimeout(this.#timer);
  }

  async #look(link: Link, round: AbortSignal): Promise<void> {
    let open = false;
    const noted = (plugin: string, notes: readonly string[]) => {
      if (link.fault !== null || round.aborted) return;
      this.#noted(plugin, notes);
      open ||= notes.length > 0;
    };
    await this.#guests.inspect(remoteHost(link), noted, round);
    if (open && link.fault === null && !round.aborted) {
      this.#timer = setTimeout(() => void this.#look(link, round), again);
    }
  }
}
