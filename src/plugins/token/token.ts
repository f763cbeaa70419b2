/** token: finds the token of the relay's backend by one rule: in a file, a command's output, a variable or the keyring, here or there. */
import { type Backend, type BackendCall, definePlugin, type Recipe, type RemoteHost } from '../../plugin.ts';
import { takePart } from './part.ts';
import { parseTokenRule } from './rule.ts';
import { readSource } from './source.ts';

export default definePlugin({
  name: 'token',
  options: { parse: parseTokenRule },
  relay({ relay, options: rule, env, signal }) {
    const { recipe } = rule;
    return {
      // It gives up by itself, and says why.
      deadlines: { token: rule.deadline + 2_000 },
      /** One that runs already, and whose recipe is known: so its token is proved, and its address told, as if it had been launched. */
      ...(recipe === null
        ? {}
        : { backend: (_link: RemoteHost, { targets }: BackendCall) => attached(recipe, targets) }),
      async token(link, backend) {
        const held = await readSource(rule, { link, relay, env, signal });
        if (held === null) return null;
        // What a plugin prints is in the log; these sentences never say the token.
        const warn = (text: string) => console.warn(`token: ${text}`);
        return takePart(rule.part, held, { backend, remote: link.facts.remote, warn });
      },
    };
  },
});

/** Undefined where the relay leads to several places, or to a backend that another plugin brings. */
function attached({ door, scheme, page, title }: Recipe, targets: BackendCall['targets']): Backend | undefined {
  const [target, ...others] = targets;
  if (target === undefined || others.length > 0) return undefined;
  return { target, run: null, adopted: true, door, opens: { scheme, page }, says: title };
}
