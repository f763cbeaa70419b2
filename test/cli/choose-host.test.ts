import { test } from 'tap';
import { readChoice } from '../../src/cli/choose-host.ts';
import type { DetectedHost } from '../../src/core/ssh/hosts/detect.ts';

function host(name: string, spec = name): DetectedHost {
  const reaches = { address: `me@${name}:22`, through: [], via: [], command: false };
  return { name, host: spec, source: 'ssh_config', places: [], reaches, key: { state: 'none', types: [] } };
}

const known = [
  host('devbox'),
  host('dev'),
  host('Prod-db'),
  host('prod-web'),
  host('[10.0.0.7]:23', '10.0.0.7:23'),
  host('7'),
  host('bad name'),
];

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [answer: string, choice: unknown])[] = [
  ['1',             { value: { host: 'devbox' } }],
  ['5',             { value: { host: '10.0.0.7:23' } }],
  ['7',             { value: { host: '7' } }],
  ['9',             { trouble: { message: 'there is no "9" in the list' } }],
  ['0',             { trouble: { message: 'there is no "0" in the list' } }],
  ['dev',           { value: { host: 'dev' } }],
  ['devb',          { value: { among: [{ name: 'devbox' }] } }],
  ['PROD',          { value: { among: [{ name: 'Prod-db' }, { name: 'prod-web' }] } }],
  ['=prod',         { value: { host: 'prod' } }],
  ['=1',            { value: { host: '1' } }],
  ['10.0.0.7:23',   { value: { host: '10.0.0.7:23' } }],
  ['me@other:2222', { value: { host: 'me@other:2222' } }],
  ['bad name',      { trouble: { message: /a space is not allowed in a host/ } }],
  ['-oProxyCommand=touch x', { trouble: { message: /begins with "-"/ } }],
  ['x;id',          { trouble: { message: /the character ";" is not allowed/ } }],
  ['',              { trouble: { message: 'the host is empty' } }],
  ['=',             { trouble: { message: 'the host is empty' } }],
];

for (const [answer, choice] of cases) {
  test(`"${answer}" as an answer to the list of hosts`, (t) => {
    t.match(readChoice(answer, known, known), choice);
    t.end();
  });
}

test('a number counts in the list that was shown last, a name in all', (t) => {
  const shown = known.slice(2, 4);
  t.strictSame(readChoice('2', shown, known), { value: { host: 'prod-web' } });
  t.match(readChoice('3', shown, known), { trouble: {} });
  t.strictSame(readChoice('devbox', shown, known), { value: { host: 'devbox' } });
  const many = Array.from({ length: 100 }, (_, index) => host(`h-${index}`));
  t.match(readChoice('16', many, many), { trouble: { message: /no "16"/ } }, 'what was not shown has no number');
  t.end();
});
