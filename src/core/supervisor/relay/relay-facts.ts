import type { RelayConfig } from '../../model/config.ts';
import type { Fact } from '../../model/event.ts';

/** That a relay stands in the config. */
export function declaredFact(config: RelayConfig): Fact {
  const { name, host, lanes } = config;
  return { type: 'relay.declared', relay: name, host, lanes, forwards: shown(config) };
}

/** That it stands there otherwise than before; `was`: where its forwards stood whose listeners go on. */
export function changedFact(config: RelayConfig, was: readonly (number | null)[]): Fact {
  const { name, host, lanes } = config;
  const forwards = shown(config).map((forward, index) => ({ ...forward, was: was[index] ?? null }));
  return { type: 'relay.changed', relay: name, host, lanes, forwards };
}

function shown({ forwards }: RelayConfig) {
  return forwards.map(({ kind, listen, target, health }) => ({ kind, listen, target, probed: health !== null }));
}
