import type { Socket } from 'node:net';
import { type ForwardConfig, listensHere } from '../../model/config.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { Fact } from '../../model/event.ts';
import { Listener } from '../listeners/listener.ts';

/** What the listeners of a relay need, and whom they tell. */
export interface RelayListenersPorts {
  readonly fact: (fact: Fact) => void;
  /** Names the address of a forward: a `:0` listener is given its port. */
  readonly settle: (forward: number) => Promise<Endpoint>;
  /** A listener that goes on is bound to this port: it is remembered as that of this forward. */
  readonly keep: (forward: number, port: number) => void;
  readonly accepted: (forward: number, socket: Socket) => void;
}

/** A listener, and the place that its forward has in the config by now. */
interface Seat {
  forward: number;
  port: number | null;
  readonly listener: Listener;
}

/** The listeners of one relay on this machine. When the config changes those stay bound whose address is still in it. */
export class RelayListeners {
  readonly #relay: string;
  readonly #ports: RelayListenersPorts;
  #seats: readonly Seat[] | null = null;

  constructor(relay: string, ports: RelayListenersPorts) {
    this.#relay = relay;
    this.#ports = ports;
  }

  /** Tries to bind each; resolves after the first try, whatever came of it. */
  async open(forwards: readonly ForwardConfig[]): Promise<void> {
    this.#seats = forwards.flatMap((forward, index) => (listensHere(forward) ? [this.#seat(index)] : []));
    await Promise.all(this.#seats.map(({ listener }) => listener.open()));
  }

  /**
   * Gives those that go on their new places (`was`: the old ones), and closes the others at once. Returns what opens the new ones: another
   * relay may have to let go of their addresses first.
   */
  rearrange(forwards: readonly ForwardConfig[], was: readonly (number | null)[]): () => Promise<void> {
    const before = this.#seats;
    if (before === null) return () => Promise.resolve();
    const places = new Map(before.map((seat) => [seat.forward, seat]));
    const fresh: Seat[] = [];
    const seats = forwards.flatMap((forward, index) => {
      if (!listensHere(forward)) return [];
      const old = places.get(was[index] ?? -1);
      if (old !== undefined) return [{ seat: old, index }];
      const seat = this.#seat(index);
      fresh.push(seat);
      return [{ seat, index }];
    });
    for (const { seat, index } of seats) {
      seat.forward = index;
      if (seat.port !== null) this.#ports.keep(index, seat.port);
    }
    this.#seats = seats.map(({ seat }) => seat);
    for (const { listener } of before.filter((seat) => !this.#seats?.includes(seat))) listener.close();
    return async () => {
      await Promise.all(fresh.map(({ listener }) => listener.open()));
    };
  }

  /** Stops accepting at once; accepted connections live on. */
  close(): void {
    for (const { listener } of this.#seats ?? []) listener.close();
    this.#seats = null;
  }

  #seat(index: number): Seat {
    const { fact, settle, accepted } = this.#ports;
    const at = () => ({ relay: this.#relay, forward: seat.forward });
    const seat: Seat = {
      forward: index,
      port: null,
      listener: new Listener(() => settle(seat.forward), {
        bound: (listen) => {
          seat.port = listen.kind === 'tcp' ? listen.port : null;
          fact({ type: 'listener.bound', ...at(), listen });
        },
        failed: (fault) => fact({ type: 'listener.failed', ...at(), fault: fault.report() }),
        troubled: (text) => fact({ type: 'relay.warned', relay: this.#relay, text }),
        accepted: (socket) => accepted(seat.forward, socket),
      }),
    };
    return seat;
  }
}
