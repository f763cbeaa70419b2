/** agents: after each link, asks the agent programs on the host whether somebody is logged in; who is not is told in status. */
import { definePlugin, Fault, nearest, printable } from '../../plugin.ts';
import { type AgentState, askPrograms } from './ask.ts';
import { type AgentProgram, programs } from './programs.ts';

export default definePlugin({
  name: 'agents',
  options: { parse: readPrograms },
  relay({ options: wanted }) {
    return {
      async inspect(link) {
        const states = await askPrograms(link, wanted);
        return states.flatMap((found) => noteOf(found, link.facts.remote));
      },
    };
  },
});

function noteOf(found: AgentState, remote: string): readonly string[] {
  const { name, look, login } = found.program;
  switch (found.state) {
    case 'logged in':
      return [];
    case 'missing':
      return [`${name} is not on the PATH of ${remote}; install it there`];
    case 'logged out':
      return [`${name} is not logged in on ${remote}; run \`${login}\` there`];
    case 'failed':
      return [`${name} on ${remote} could not tell whether it is logged in (${found.says}); run \`${look}\` there`];
    case 'silent':
    case 'unasked':
      return [`${name} on ${remote} did not say whether it is logged in; run \`${look}\` there`];
  }
}

/** `programs`: the names of those that must be there. Throws CONFIG_INVALID. */
function readPrograms(value: unknown): readonly AgentProgram[] {
  const given: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
  const unknown = Object.keys(given).find((key) => key !== 'programs');
  if (unknown !== undefined) throw wrong(`"${printable(unknown)}" is no option; there is programs`);
  const { programs: names } = given;
  const known = programs.map(({ name }) => name);
  if (!Array.isArray(names) || names.length === 0) {
    throw wrong(`"programs" must be a list such as ["claude"]; known are ${known.join(', ')}`);
  }
  return names.map((name: unknown) => {
    const found = programs.find((program) => program.name === name);
    if (found !== undefined) return found;
    const near = nearest(String(name), known);
    const meant = near === null ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
    throw wrong(`"${printable(String(name))}" is no agent program that is known here; ${meant}`);
  });
}

function wrong(text: string): Fault {
  return new Fault('CONFIG_INVALID', `agents: ${text}`);
}
