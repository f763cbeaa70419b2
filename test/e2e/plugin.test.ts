import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { Secret } from '../../src/core/model/secret.ts';
import { exchange } from '../fixtures/client.ts';
import { ECHO_PORT, PASSWORD, startContainer } from '../fixtures/container.ts';
import { supervise } from '../fixtures/supervised.ts';
import { makeTemp } from '../fixtures/temp.ts';

test('a password that a plugin gives logs in, by either way that a server asks; a wrong one is asked for', async (t) => {
  const container = await startContainer(t, { config: ['UsePAM=yes', 'KbdInteractiveAuthentication=yes'] });
  const plugin = (name: string, password: string) => {
    const file = join(makeTemp(t, 'plugin'), `${name}.mjs`);
    const code = `export default { name: '${name}', relay: () => ({
      identify: ({ user }) => user === 'pat' ? { kind: 'password', password: { reveal: () => '${password}' } } : undefined,
    }) };\n`;
    writeFileSync(file, code, { mode: 0o600 });
    return file;
  };
  const forwards = [`0:127.0.0.1:${ECHO_PORT}`];
  const right = plugin('right', PASSWORD);
  const relays = await supervise(t, container, {
    right: { host: 'pat@test', forwards, plugins: [right] },
    wrong: { host: 'pat@test', forwards, plugins: [plugin('wrong', 'wrong horse')], start: false },
  });
  await relays.reach('right', 'connected');
  t.equal((await exchange(relays.port('right'), 'x')).toString(), 'x');
  await relays.supervisor.startRelay('wrong');
  const { fault } = (await relays.reach('wrong', 'blocked')).standing;
  t.match(fault, { code: 'AUTH_REJECTED', message: /pat@.* rejected the answer .*; `towline unlock` asks you again/ });
  const { questions } = relays.supervisor;
  questions.attend('wrong', { asked: ({ id }) => questions.answer(id, [new Secret(PASSWORD)]), over: () => undefined });
  await relays.supervisor.startRelay('wrong');
  await relays.reach('wrong', 'connected');
  t.notMatch(JSON.stringify([relays.events, relays.supervisor.status()]), /horse/);
});
