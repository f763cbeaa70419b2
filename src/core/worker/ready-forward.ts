import type { ForwardConfig } from '../model/config.ts';
import type { Endpoint } from '../model/endpoint.ts';

/** A forward whose target is known. */
export type ReadyForward = Omit<ForwardConfig, 'target'> & { readonly target: Endpoint };

/** The forwards with the backend's address in its place; those that lead to a backend that nobody knows are null. */
export function readyForwards(
  forwards: readonly ForwardConfig[],
  backend: Endpoint | null,
): readonly (ReadyForward | null)[] {
  return forwards.map((forward) => {
    const target = forward.target.kind === 'backend' ? backend : forward.target;
    return target === null ? null : { ...forward, target };
  });
}
