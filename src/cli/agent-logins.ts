import { remoteHost } from '../core/ssh/link/remote-host.ts';
import type { Link } from '../core/ssh/link/link.ts';
import { type AgentState, askPrograms } from '../plugins/agents/ask.ts';
import { programs } from '../plugins/agents/programs.ts';
import { type Finding, mind, well } from './finding.ts';

/** Asks the agent programs that are installed on the host whether somebody is logged in; nothing where none is, or no command runs. */
export async function askAgents(link: Link): Promise<readonly Finding[]> {
  // A host that runs no commands has no agents either, and other findings say so.
  const states = await askPrograms(remoteHost(link), programs).catch(() => []);
  return states.flatMap(findingsOf);
}

function findingsOf(found: AgentState): readonly Finding[] {
  const { name, look, login } = found.program;
  switch (found.state) {
    case 'logged in':
      return [well('agents', name, 'installed there, and logged in')];
    case 'logged out':
      return [mind('agents', name, 'installed there, and nobody is logged in', `run \`${login}\` there`)];
    case 'failed':
      return [
        mind(
          'agents',
          name,
          `installed there, could not tell whether somebody is logged in (${found.says})`,
          `run \`${look}\` there`,
        ),
      ];
    case 'silent':
      return [
        mind(
          'agents',
          name,
          'installed there, did not say in time whether somebody is logged in',
          `run \`${look}\` there`,
        ),
      ];
    case 'missing':
    case 'unasked':
      return [];
  }
}
