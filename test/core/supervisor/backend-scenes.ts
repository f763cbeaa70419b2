import type { Test } from 'tap';
import type { Event } from '../../../src/core/model/event.ts';
import { hasPort, type Lurker } from '../../fixtures/lurker.ts';
import type { Supervised } from '../../fixtures/supervised.ts';

// What may become of the backend of a relay `r`, on whatever host it is: this machine, or a container.

/** The news that somebody else listens where the backend did. */
export const foreign = (event: Event): boolean =>
  event.type === 'forward.judged' && event.judgement === 'unwell' && event.fault?.code === 'BACKEND_FOREIGN';

/** F90: it is up, and not well. `mood` says how, see moody-main; it is checked each second. */
export async function isUnwell(t: Test, daemon: Supervised, mood: (text: string) => unknown): Promise<void> {
  const run = async () => (await daemon.reach('r', 'connected', 60_000)).lanes[0]?.backend?.run;
  const first = await run();
  t.match(first, /^[0-9a-f]{32}$/);
  for (const [now, code, message] of [
    ['500', 'PROBE_FAILED', /answers 500/],
    ['401', 'TOKEN_REFUSED', /answers 401 to the relay's token/],
    ['hang', 'PROBE_FAILED', /no .*answer .*0\.5 s/],
  ] as const) {
    await mood(now);
    const began = Date.now();
    const { standing } = await daemon.reach('r', 'degraded');
    t.comment(`measured F90 ${now} is told after ${Date.now() - began} ms`);
    t.match(standing.fault, { code, message }, now);
    await mood('');
    t.equal(await run(), first, 'it is the same one');
  }
}

/** How a scene ends the backend of `r`, and who lies in wait for its port there, as which user. */
export interface PortThief {
  readonly daemon: Supervised;
  readonly uid: number;
  kill(): Promise<unknown>;
  lieInWait(port: number): Promise<Lurker>;
}

/** T60, T62: somebody else takes its port, after the backend was proved. */
export async function losesItsPort(t: Test, { daemon, uid, kill, lieInWait }: PortThief): Promise<void> {
  const first = (await daemon.reach('r', 'connected', 60_000)).lanes[0]?.backend;
  const token = daemon.supervisor.token('r').token?.reveal() ?? 'none';
  const port = first?.target.kind === 'tcp' ? first.target.port : 0;
  const lurker = await lieInWait(port);
  const before = daemon.supervisor.status().id;
  await kill();
  await hasPort(lurker);
  const said = await daemon.next('the news of it', foreign, before);
  t.match(said, { fault: { message: new RegExp(`^port ${port} on .* belongs to a process of uid ${uid} `) } });
  t.equal(daemon.status('r').lastFault?.code, 'BACKEND_FOREIGN');
  // Another one is launched, away from that port, and clients get to it.
  await daemon.next('another backend', (event) => event.type === 'backend.ready', said.id, 60_000);
  const { lanes } = await daemon.reach('r', 'connected', 60_000);
  t.not(lanes[0]?.backend?.run, first?.run);
  t.notMatch(lanes[0]?.backend?.target, { port });
  t.notMatch(await lurker.seen(), token);
  t.notMatch(await lurker.seen(), 'token=');
}
