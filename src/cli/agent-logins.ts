import { remoteHost } from '../core/ssh/link/remote-host.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { askPrograms } from '../plugins/agents/ask.ts';
import { programs } from '../plugins/agents/programs.ts';
import { type Finding, mind, well } from './finding.ts';

/** Asks the agent programs that are installed on the host whether somebody is logged in; nothing where none is, or no command runs. */
export async function askAgents(link: Link): Promise<readonly Finding[]> {
  // A host that runs no commands has no agents either, and other findings say so.
  const states = await askPrograms(remoteHost(link), programs).catch(() => []);
  return states.flatMap(({ program: { name, login }, state }): readonly Finding[] => {
    if (state === 'logged in') return [well('agents', name, 'installed there, and logged in')];
    if (state !== 'logged out') return [];
    return [mind('agents', name, 'installed there, and nobody is logged in', `run \`${login}\` there`)];
  });
}
