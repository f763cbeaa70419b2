import type { LaneEffect } from '../../model/lane-step.ts';
import { restOf } from '../../model/rest.ts';
import type { LaneState } from '../../model/state.ts';
import { Alarm } from '../alarm.ts';
import { type Stamps, watchFiles } from './file-watch.ts';

type Wait = 'arm' | 'disarm' | 'arm-beside' | 'disarm-beside' | 'watch-files';

/** What ends a lane's rests: its clocks, one for itself and one for the second link, and files. */
export class LaneWaits {
  readonly #stamps: () => Stamps;
  readonly #changed: () => void;
  readonly #alarm: Alarm;
  readonly #beside: Alarm;
  #unwatch: () => void = () => undefined;

  /** `stamps`: the files that are waited for, as they were when they were read; `changed` is called once they are others. */
  constructor(stamps: () => Stamps, changed: () => void, rung: () => void, besideRung: () => void) {
    this.#stamps = stamps;
    this.#changed = changed;
    this.#alarm = new Alarm(rung);
    this.#beside = new Alarm(besideRung);
  }

  /** Where nothing in this state is blocked, no file is waited for. */
  enter(state: LaneState): void {
    const blocked = restOf(state)?.at === 'blocked' || (state.at === 'up' && state.beside?.at === 'blocked');
    if (!blocked) this.#unwatch();
  }

  perform(effect: Extract<LaneEffect, { do: Wait }>): void {
    switch (effect.do) {
      case 'arm':
        return this.#alarm.arm(effect.at);
      case 'disarm':
        return this.#alarm.disarm();
      case 'arm-beside':
        return this.#beside.arm(effect.at);
      case 'disarm-beside':
        return this.#beside.disarm();
      case 'watch-files':
        this.#unwatch();
        this.#unwatch = watchFiles(this.#stamps(), this.#changed);
    }
  }
}
