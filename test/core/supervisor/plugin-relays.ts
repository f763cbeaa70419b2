import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { keepTalking, type Trips } from '../../faults/talk.ts';
import { exchange } from '../../fixtures/client.ts';
import { type Supervised, supervise } from '../../fixtures/supervised.ts';
import { makeTemp, type Owner } from '../../fixtures/temp.ts';

/** A host, and the port of an echo on its loopback. */
export interface Place {
  readonly sshConfigFile: string;
  readonly echo: number;
}

/** A plugin file with this text. */
export function plugin(t: Owner, text: string): string {
  const file = join(makeTemp(t, 'plugin'), 'plugin.mjs');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** Relays that each lead to an echo: one without a plugin, over which somebody talks, and one for each of these. */
export async function relaysWith(
  t: Owner,
  place: Place,
  plugins: Readonly<Record<string, unknown>>,
  over: object = {},
): Promise<{ readonly relays: Supervised; readonly good: () => Promise<Trips> }> {
  const forwards = [`0:127.0.0.1:${place.echo}`];
  const guests = Object.entries(plugins).map(([name, use]) => [
    name,
    { host: 'test', forwards, plugins: [use], ...over },
  ]);
  const relays = await supervise(t, place, { good: { host: 'test', forwards }, ...Object.fromEntries(guests) });
  await relays.reach('good', 'connected');
  return { relays, good: keepTalking(relays.port('good')) };
}

/** Shows that whoever talked over the other relay was heard to the last word. */
export async function heardAll(t: Test, good: () => Promise<Trips>): Promise<void> {
  const { count, longest } = await good();
  t.ok(count > 0, 'the other relay');
  t.comment(`measured over the other relay ${count} words, the longest ${Math.round(longest)} ms`);
}

export const works = async (relays: Supervised, relay: string) => (await exchange(relays.port(relay), 'x')).toString();
export const failed = (relay: string, message: RegExp) => (event: Event) =>
  event.type === 'plugin.failed' && event.relay === relay && message.test(event.fault.message);

export const ended = (relay: string, message: RegExp) => (event: Event) =>
  event.type === 'worker.ended' && event.relay === relay && message.test(event.fault.message);
