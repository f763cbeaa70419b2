import { Fault, type RemoteHost } from '../../plugin.ts';
import { leadsTo } from './choose-port.ts';
import { squatted } from './launch-faults.ts';
import { readLook } from './look.ts';
import type { RunRecord } from './run-record.ts';
import { lookOnce } from './scripts/look.ts';
import { withVariables } from './sh.ts';

/** How long the look may take, ms. */
const patience = 8_000;

/** Whether a run still listens where it was seen to; false where the host does not show that. See Backend.verify. */
export async function verifyRun(
  host: RemoteHost,
  name: string,
  { dir, run }: Pick<RunRecord, 'dir' | 'run'>,
  place: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<boolean> {
  const script = withVariables({ dir, run }, lookOnce);
  const { stdout, late } = await host.run(script, { deadline: patience, signal, most: 1024 * 1024 });
  if (late) {
    const text = `${host.facts.remote} did not show within ${patience / 1000} s who listens on port ${place.port}; look at that host`;
    throw new Fault('PROBE_FAILED', text);
  }
  const lines = stdout.split('\n');
  if (!lines.some((line) => line.startsWith('B '))) {
    const text = `${host.facts.remote} did not show who listens on port ${place.port}: its sh ran nothing; look at the processes of that account`;
    throw new Fault('PROBE_FAILED', text);
  }
  const look = readLook(lines);
  if (leadsTo(look, place)) return true;
  if (!look.tellable && look.main === 'live') return false;
  const there = look.listeners.some(({ port }) => port === place.port);
  // Somebody answered before this look was asked for, and without /proc nobody knows who.
  if (there || !look.tellable || look.main === 'none') throw await squatted({ name }, host, place.port);
  throw new Fault('TARGET_REFUSED', `the backend ${name} does not listen on port ${place.port} any more; look at it`);
}
