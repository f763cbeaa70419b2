import type { Backend } from '../../model/backend.ts';
import type { Fault } from '../../model/fault.ts';
import type { BackendCall } from '../../model/plugin.ts';
import type { RemoteHost } from '../../model/remote.ts';
import type { Secret } from '../../model/secret.ts';
import type { BringingTry, Stage } from '../../model/state.ts';
import type { Link } from '../../ssh/link/link.ts';

/** The plugins of a relay that have to do with its backend. */
export interface Providers {
  readonly hasBackend: boolean;
  /** Where the backend is to listen; null: nobody says. */
  readonly backendPort: number | null;
  readonly hasToken: boolean;
  backend(link: RemoteHost, call: BackendCall): Promise<Backend | undefined>;
  token(link: RemoteHost, backend: Backend | null, signal: AbortSignal): Promise<Secret | null | undefined>;
}

/** What is told of it on the way. */
export interface BackingNews {
  stage(stage: Stage, note: string | null, bringing: BringingTry): void;
  warn(text: string): void;
  /** A try to bring it over this link has failed; another may follow at once. */
  stumbled(link: Link, fault: Fault): void;
  /** The backend is ready, and this is its token; null: it has none, or nobody knows one. */
  learned(backend: Backend | null, token: Secret | null): void;
}
