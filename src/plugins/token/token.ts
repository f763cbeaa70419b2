/** token: finds the pairing token of the relay's backend by one rule: in a file, a command's output, a variable or the keyring, here or there. */
import { definePlugin } from '../../plugin.ts';
import { takePart } from './part.ts';
import { parseTokenRule } from './rule.ts';
import { readSource } from './source.ts';

export default definePlugin({
  name: 'token',
  options: { parse: parseTokenRule },
  relay({ relay, options: rule, env, signal }) {
    return {
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
