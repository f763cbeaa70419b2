import type { Backend } from '../../plugin.ts';
import { Fault, printable, readTokenText, type Secret } from '../../plugin.ts';
import type { TokenPart } from './rule.ts';
import { atPath, type JsonPath, parseJson, tokenText } from '../printed/json-path.ts';
import { hostOf } from '../printed/printed-url.ts';
import { OutputScanner } from '../printed/scan.ts';
import type { Held } from './source.ts';

/** What is known of the backend: which of several tokens is its own. */
export interface Backdrop {
  readonly backend: Backend | null;
  /** `user@address:port` of the host. */
  readonly remote: string;
  readonly warn: (text: string) => void;
}

/** Takes the token out of what stands in its place; null: it says that there is none. Throws TOKEN_MISSING, which never quotes it. */
export function takePart(part: TokenPart, held: Held, backdrop: Backdrop): Secret | null {
  switch (part.by) {
    case 'whole':
      return readTokenText(held.text, held.place);
    case 'pattern':
      return byPattern(part, held, backdrop);
    case 'json':
      return byJson(part.path, held, backdrop);
  }
}

function byPattern(
  { pattern, none }: TokenPart & { by: 'pattern' },
  { text, place }: Held,
  { remote, backend, warn }: Backdrop,
): Secret | null {
  const rules = { token: pattern, json: null, none, port: null, hosts: [hostOf(remote)], fixed: portOf(backend) };
  const said: string[] = [];
  const scanner = new OutputScanner(rules, { found: () => undefined, warn: (warning) => said.push(warning) });
  const stream = scanner.stream();
  stream.add(Buffer.from(text));
  stream.rest();
  for (const warning of said) warn(`${place}: ${warning}`);
  const { found } = scanner;
  if (found.token !== null) return readTokenText(found.token.reveal(), place);
  if (found.none) return null;
  const why = said.length === 0 ? '' : `: ${said.join('; ')}`;
  throw new Fault(
    'TOKEN_MISSING',
    `nothing in ${place} matches the token pattern /${printable(pattern.source)}/${why}; correct "pattern"`,
  );
}

/** Programs print one value, or one a line, such as `jupyter server list --json`. */
function byJson(path: JsonPath, { text, place }: Held, { backend }: Backdrop): Secret | null {
  const name = path.join('.');
  const values = readValues(text);
  if (values.length === 0)
    throw new Fault(
      'TOKEN_MISSING',
      `${place} has no JSON, in which the token would be at "${name}"; correct the rule`,
    );
  const port = portOf(backend);
  const own = port === null ? [] : values.filter((value) => atPath(value, ['port']) === port);
  const found = (own.length > 0 ? own : values).map((value) => atPath(value, path));
  const tokens = [...new Set(found.map((one) => (one === null ? null : tokenText(one))))].filter(
    (token) => token !== undefined,
  );
  const [token] = tokens;
  if (token === undefined)
    throw new Fault(
      'TOKEN_MISSING',
      `${place} has no token at the JSON path "${name}", where a text or a whole number must be; correct "json"`,
    );
  if (tokens.length > 1) {
    const text = `${place} has ${tokens.length} different tokens at "${name}"; narrow the command down to one backend`;
    throw new Fault('TOKEN_MISSING', text);
  }
  return token === null || token === '' ? null : readTokenText(token, `"${name}" in ${place}`);
}

function readValues(text: string): readonly unknown[] {
  const plain = text.replace(/^\uFEFF/, '').trim();
  const whole = parseJson(plain);
  return whole === undefined
    ? plain
        .split('\n')
        .map(parseJson)
        .filter((value) => value !== undefined)
    : [whole];
}

function portOf(backend: Backend | null): number | null {
  return backend?.target.kind === 'tcp' ? backend.target.port : null;
}
