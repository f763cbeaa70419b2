import type { Backend, BackendFacts } from '../../model/backend.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { Judgement } from '../../model/event.ts';
import { newsOfDoubt } from '../../model/beside.ts';
import type { Fault } from '../../model/fault.ts';
import type { Secret } from '../../model/secret.ts';
import type { BringingTry, LaneState, Stage } from '../../model/state.ts';
import type { LaneId, ToSupervisor } from '../../protocol.ts';
import type { Link } from '../../ssh/link/link.ts';
import { toWallClock } from '../clock.ts';

/** What one lane tells the supervisor of itself. */
export class LaneVoice {
  readonly #lane: LaneId;
  readonly #say: (message: ToSupervisor) => Promise<void>;
  readonly #told = new Set<string>();

  constructor(lane: LaneId, say: (message: ToSupervisor) => Promise<void>) {
    this.#lane = lane;
    this.#say = say;
  }

  readonly state = (before: LaneState, state: LaneState): void => {
    this.#tell({ say: 'state', lane: this.#lane, state: toWallClock(state) });
    const doubt = newsOfDoubt(before, state);
    if (doubt !== null) this.#tell({ say: 'doubt', lane: this.#lane, ...doubt });
  };

  readonly stage = (stage: Stage, note: string | null, bringing?: BringingTry): void =>
    this.#tell({ say: 'stage', lane: this.#lane, stage, note, ...(bringing === undefined ? {} : { bringing }) });

  /** What is known of a link: its facts now, the host's own name once that is known. */
  readonly link = (link: Link): void => {
    this.#tell({ say: 'link', lane: this.#lane, link: link.facts });
    link.onNamed((machine) => this.#tell({ say: 'machine', lane: this.#lane, machine }));
  };

  readonly backed = (backend: Backend | null, token: Secret | null): void =>
    this.#tell({
      say: 'backed',
      lane: this.#lane,
      backend: backend === null ? null : factsOf(backend),
      token: token?.reveal() ?? null,
    });

  readonly judged = (forward: number, judgement: Judgement, fault: Fault | null, rtt: number | null): void =>
    this.#tell({ say: 'judged', lane: this.#lane, forward, judgement, fault: fault?.report() ?? null, rtt });

  /** What becomes of the `remote` forwards. */
  readonly remote = {
    bound: (forward: number, listen: Endpoint): void => this.#tell({ say: 'bound', lane: this.#lane, forward, listen }),
    failed: (forward: number, fault: Fault): void =>
      this.#tell({ say: 'unbound', lane: this.#lane, forward, fault: fault.report() }),
    refused: (forward: number, fault: Fault): void =>
      this.#tell({ say: 'refused', lane: this.#lane, forward, fault: fault.report() }),
  };

  readonly inspected = (plugin: string, notes: readonly string[]): void =>
    this.#tell({ say: 'inspected', lane: this.#lane, plugin, notes });

  readonly failed = (plugin: string, fault: Fault): void =>
    this.#tell({ say: 'plugin-failed', lane: this.#lane, plugin, fault: fault.report() });

  readonly warn = (text: string): void => this.#once('warned', text);

  readonly inform = (text: string): void => this.#once('noted', text);

  /** Not at each attempt; a ProxyCommand may say something else each time. */
  #once(say: 'warned' | 'noted', text: string): void {
    if (this.#told.has(text) || this.#told.size > 1_000) return;
    this.#told.add(text);
    this.#tell({ say, lane: this.#lane, text });
  }

  #tell(message: ToSupervisor): void {
    void this.#say(message);
  }
}

function factsOf({ token: _kept, ...facts }: Backend): BackendFacts {
  return facts;
}
