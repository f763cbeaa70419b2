import type { DynamicForward, ForwardConfig, LocalForward, RemoteForward } from '../../model/config.ts';
import type { Endpoint } from '../../model/endpoint.ts';

/** A local forward whose target is known. */
export type ReadyLocal = Omit<LocalForward, 'target'> & { readonly target: Endpoint };

/** A forward that leads somewhere. */
export type ReadyForward = ReadyLocal | RemoteForward | DynamicForward;

/** The forwards with the backend's address in its place; those that lead to a backend that nobody knows are null. */
export function readyForwards(
  forwards: readonly ForwardConfig[],
  backend: Endpoint | null,
): readonly (ReadyForward | null)[] {
  return forwards.map((forward) => {
    if (forward.kind !== 'local') return forward;
    const target = forward.target.kind === 'backend' ? backend : forward.target;
    return target === null ? null : { ...forward, target };
  });
}
