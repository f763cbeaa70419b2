import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { homeOf, runTowline } from '../fixtures/cli.ts';

const sshConfig = `Host devbox
  HostName 10.0.0.7
  User ml
Host inner
  User ml
  ProxyJump devbox
Host *
  Port 2222
`;

test('hosts lists what ssh knows, and the relays that use it', async (t) => {
  const home = homeOf(t);
  writeFileSync(join(home, '.ssh/config'), sshConfig, { mode: 0o600 });
  const relays = { 'dev-box': { host: 'devbox', forwards: ['1'] }, two: { host: 'me@devbox', forwards: ['2'] } };
  writeFileSync(join(home, 'towline.json'), JSON.stringify({ relays }), { mode: 0o600 });
  const { code, stdout, stderr } = await runTowline(t, ['hosts']);
  t.equal(stderr, '');
  t.equal(code, 0);
  t.equal(
    stdout.split('\n').slice(0, 3).join('\n'),
    `HOST    REACHES                   KEY  RELAYS        FOUND IN
devbox  ml@10.0.0.7:2222          -    dev-box, two  ~/.ssh/config:1
inner   ml@inner:2222 via devbox  -                  ~/.ssh/config:4`,
  );
  const json: unknown = JSON.parse((await runTowline(t, ['hosts', '--json'])).stdout);
  t.match(json, {
    config: join(home, 'towline.json'),
    hashed: 0,
    hosts: [
      {
        name: 'devbox',
        host: 'devbox',
        source: 'ssh_config',
        places: [`${home}/.ssh/config:1`],
        address: 'ml@10.0.0.7:2222',
        through: [],
        key: 'none',
        keyTypes: [],
        relays: ['dev-box', 'two'],
        fault: null,
      },
      { name: 'inner', through: ['ml@10.0.0.7:2222'], via: ['devbox'], relays: [] },
    ],
  });
});

test('hosts follows -F and the sshConfig of the config, and a config that cannot be used is left aside', async (t) => {
  const home = homeOf(t);
  for (const name of ['one', 'two']) writeFileSync(join(home, name), `Host ${name}\n`, { mode: 0o600 });
  const relays = { r: { host: 'one', forwards: ['1'] } };
  const file = join(home, 'towline.json');
  writeFileSync(file, JSON.stringify({ sshConfig: 'one', relays }), { mode: 0o600 });
  t.match((await runTowline(t, ['hosts'])).stdout, /^one +\S*@one:22 +- +r /m);
  t.match((await runTowline(t, ['hosts', '-F', 'two'])).stdout, /^two /m);
  writeFileSync(file, '{ "relays": {} }', { mode: 0o600 });
  const aside = await runTowline(t, ['hosts', '-F', 'two']);
  t.match(aside, {
    code: 0,
    stdout: /^two /m,
    stderr: /^towline: which relays use a host is not shown: .*there is no relay/,
  });
  const named = await runTowline(t, ['hosts', '--config', file]);
  t.match(named, { code: 78, stdout: '', stderr: /\[CONFIG_INVALID\]/ });
});

test('hosts says why nothing can be listed', async (t) => {
  mkdirSync(join(homeOf(t), '.ssh/config'));
  t.match(await runTowline(t, ['hosts']), {
    code: 78,
    stdout: '',
    stderr: /\.ssh\/config is not a regular file.*\[SSH_CONFIG_INVALID\]\n$/,
  });
});
