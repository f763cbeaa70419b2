import { stripVTControlCharacters } from 'node:util';
import { test } from 'tap';
import { drawHosts, type ShownHost } from '../../src/cli/hosts-table.ts';
import { Fault } from '../../src/core/model/fault.ts';

const plain = { colour: false, columns: 80, home: '/home/me' };

function shown(name: string, over: Partial<ShownHost> = {}): ShownHost {
  return {
    name,
    host: name,
    source: 'ssh_config',
    places: ['/home/me/.ssh/config:1'],
    reaches: { address: `me@${name}:22`, through: [], via: [], command: false },
    key: { state: 'known', types: ['ssh-ed25519', 'ecdsa-sha2-nistp256'] },
    relays: [],
    ...over,
  };
}

const several: readonly ShownHost[] = [
  shown('devbox', { relays: ['dev-box', 'notebook'], places: ['/home/me/.ssh/config:1', '/etc/ssh/ssh_config:3'] }),
  shown('inner', {
    reaches: {
      address: 'ml@inner.a-rather-long-name.example.com:2222',
      through: ['me@b:22'],
      via: ['bastion'],
      command: false,
    },
    key: { state: 'none', types: [] },
  }),
  shown('bad name', {
    reaches: new Fault('HOST_INVALID', 'host "bad name" has the character " "; correct it'),
    key: { state: 'none', types: [] },
  }),
  shown('proxied', {
    reaches: { address: 'me@proxied:22', through: [], via: [], command: true },
    key: { state: 'unsearched', types: [] },
  }),
  shown('[10.0.0.7]:2222', { source: 'known_hosts', key: { state: 'authority', types: [] }, places: ['/etc/known:7'] }),
  shown('sk', {
    key: { state: 'known', types: ['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com', 'ssh-rsa'] },
  }),
];

test('the hosts stand in a table that fits 80 columns, with the reason below one that cannot be resolved', (t) => {
  t.equal(
    drawHosts(several, 2, plain),
    `HOST           REACHES             KEY          RELAYS        FOUND IN
devbox         me@devbox:22        ed25519      dev-box,      ~/.ssh/config:1
                                   ecdsa        notebook      +1
inner          ml@inner.a-rather-  -                          ~/.ssh/config:1
               long-name.example.
               com:2222 via
               bastion
bad name       unresolved          -                          ~/.ssh/config:1
               host "bad name" has the character " "; correct it [HOST_INVALID]
proxied        me@proxied:22 by a  ?                          ~/.ssh/config:1
               ProxyCommand
[10.0.0.7]:22  me@[10.0.0.7]:2222  authority                  /etc/known:7
22             :22
sk             me@sk:22            sk-ed25519                 ~/.ssh/config:1
                                   sk-ecdsa
                                   rsa

5 hosts in ssh_config, 1 more in known_hosts
2 entries of known_hosts are hashed and cannot be named
+1 = in one more place; \`--json\` names them all
? = too many hashed entries to look for the keys of 1 host
`,
  );
  t.end();
});

test('without a relay in sight there is no column for them; an empty list says so', (t) => {
  const table = drawHosts([shown('a')], 0, plain);
  t.match(table, /^HOST +REACHES +KEY +FOUND IN\n/);
  t.match(table, /\n1 host in ssh_config, 0 more in known_hosts\n$/);
  t.equal(
    drawHosts([], 1, plain),
    '0 hosts in ssh_config, 0 more in known_hosts\n1 entry of known_hosts is hashed and cannot be named\n',
  );
  t.end();
});

test('it keeps within its columns, and colours change nothing but colours', (t) => {
  const long = [...several, shown('a-name-that-is-really-quite-long.example.com')];
  for (const columns of [64, 80, 100, 200]) {
    const table = drawHosts(long, 0, { ...plain, columns });
    for (const line of table.split('\n')) t.ok(line.length <= columns, `${columns}: ${line}`);
    const coloured = drawHosts(long, 0, { ...plain, columns, colour: true });
    t.not(coloured, table);
    t.equal(stripVTControlCharacters(coloured).replace(/ +$/gm, ''), table);
  }
  t.end();
});

test('what others wrote obeys no terminal', (t) => {
  const evil = drawHosts([shown('a\u001b[2Jb', { places: ['/x\u001b[0m:1'] })], 0, plain);
  t.equal(stripVTControlCharacters(evil), evil);
  t.end();
});
