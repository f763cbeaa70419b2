import { createHash, randomBytes, randomInt } from 'node:crypto';
import { chosenPorts, type Recipe, Secret } from '../../plugin.ts';
import { markOf } from './mark.ts';
import type { LaunchOptions } from './options.ts';
import { begin } from './scripts/begin.ts';
import { keep } from './scripts/keep.ts';
import { quote, withVariables } from './sh.ts';

/** What would be launched, if nothing runs. */
export interface Plan {
  readonly script: string;
  readonly hash: string;
  /** Of how its token comes to be. */
  readonly rule: string;
  /** A new one, for a backend that takes it in its environment; else null. */
  readonly token: Secret | null;
}

/** Makes the script that finds or starts a backend, with the token and the ports that a new one would get. */
export function planLaunch(name: string, options: LaunchOptions, forced: boolean): Plan {
  const { command, recipe, port, cwd, env, shell, lifetime } = options;
  const variable = recipe?.token.from === 'environment' ? recipe.token.name : '';
  const token = variable === '' ? null : new Secret(randomBytes(32).toString('base64url'));
  const run = randomBytes(16).toString('hex');
  const rule = ruleOf(recipe);
  const hash = sha256(JSON.stringify([command, cwd, Object.entries(env), shell, port, variable]));
  const asked = [command, cwd, ...Object.values(env)].some((text) => text.includes('{port}'));
  const free = Array.from({ length: asked ? 40 : 0 }, () => randomInt(chosenPorts.from, chosenPorts.to + 1)).join(' ');
  const settings = [
    ...Object.entries({
      run,
      shell,
      lifetime,
      hash,
      rule,
      tokenhash: token === null ? '' : sha256(token.reveal()),
      tokenvar: variable,
      cwd,
    }).map(([key, value]) => `${key}=${quote(value)}`),
    'variables() {',
    '  :',
    ...Object.entries(env).map(([key, value]) => `  export ${key}=${quote(value)}`),
    '}',
  ].join('\n');
  const script = withVariables(
    {
      name,
      run,
      command,
      settings,
      keep,
      mark: markOf(run),
      lifetime,
      tokenvar: variable,
      // With its line feed.
      tokensize: token === null ? '0' : String(Buffer.byteLength(token.reveal()) + 1),
      fixed: port === 'auto' ? 'no' : 'yes',
      ports: port === 'auto' ? free : String(port),
      forced: forced ? 'yes' : 'no',
    },
    begin,
  );
  return { script, hash, rule, token };
}

/** A digest of how the token comes to be: it is kept on the host, and another one is another rule. No token is in it. */
function ruleOf(recipe: Recipe | null): string {
  const token = recipe?.token ?? { from: 'nowhere' };
  if (token.from === 'nowhere') return sha256('nowhere');
  if ('json' in token) return sha256(JSON.stringify([token.from, 'json', token.json, token.none ?? null]));
  const { from, pattern, none } = token;
  return sha256(JSON.stringify([from, from === 'environment' ? token.name : null, pattern ?? null, none ?? null]));
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
