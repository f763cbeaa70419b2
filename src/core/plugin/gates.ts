import type { Duplex } from 'node:stream';
import type { Config } from '../model/config.ts';
import { Fault } from '../model/fault.ts';
import type { ClientConnection, Dial } from '../model/plugin.ts';
import { printable } from '../model/printable.ts';
import type { Secret } from '../model/secret.ts';
import type { Seat } from './seat.ts';

/** Asks each `admit` in order; null admits. */
export async function admitted(seats: readonly Seat[], connection: ClientConnection): Promise<Fault | null> {
  for (const seat of seats) {
    const admit = seat.hooks.admit?.bind(seat.hooks);
    if (admit === undefined) continue;
    try {
      const answer: unknown = await seat.call<unknown>('admit', () => admit(connection));
      if (answer === true) continue;
      const text = `plugin ${printable(seat.name)} refused a client: ${reason(answer)}; see its options`;
      return new Fault('ADMISSION_REFUSED', text);
    } catch (error) {
      const fault = Fault.from(error);
      return new Fault('ADMISSION_REFUSED', `a client was refused: ${fault.message}`, { cause: fault });
    }
  }
  return null;
}

/** Asks each `check` in order; null accepts. */
export async function checked(seats: readonly Seat[], config: Config): Promise<Fault | null> {
  for (const seat of seats) {
    const check = seat.hooks.check?.bind(seat.hooks);
    if (check === undefined) continue;
    try {
      const answer: unknown = await seat.call<unknown>('check', () => check(config));
      if (answer === true) continue;
      const text = `plugin ${printable(seat.name)} refuses the config: ${reason(answer)}; correct the config, or remove the plugin`;
      return new Fault('CONFIG_INVALID', text);
    } catch (error) {
      const fault = Fault.from(error);
      return new Fault('CONFIG_INVALID', `the config is refused: ${fault.message}`, { cause: fault });
    }
  }
  return null;
}

/** Asks each `probe` in order; null: all say yes. */
export async function probed(seats: readonly Seat[], dial: Dial, token: Secret | null): Promise<Fault | null> {
  for (const seat of seats) {
    const probe = seat.hooks.probe?.bind(seat.hooks);
    if (probe === undefined) continue;
    const opened = new Set<Duplex>();
    let over = false;
    const tracked: Dial = async () => {
      const stream = await dial();
      stream.on('error', () => undefined);
      // The probe has ended meanwhile: nobody would close it.
      if (over) stream.destroy();
      opened.add(stream);
      return stream;
    };
    try {
      const answer: unknown = await seat.call<unknown>('probe', () => probe(tracked, token));
      if (answer === true) continue;
      const text = `plugin ${printable(seat.name)} says no: ${reason(answer)}; look at the backend`;
      return new Fault('PROBE_FAILED', text);
    } catch (error) {
      const fault = Fault.from(error);
      if (fault.code !== 'PLUGIN_FAILED') return fault;
      return new Fault('PROBE_FAILED', fault.message, { cause: fault });
    } finally {
      over = true;
      for (const stream of opened) stream.destroy();
    }
  }
  return null;
}

function reason(answer: unknown): string {
  return typeof answer === 'string' && answer !== '' ? printable(answer) : 'it did not answer true';
}
