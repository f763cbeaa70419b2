import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { cliEnv, homeOf, runTowline } from '../fixtures/cli.ts';

test('the built program runs in a home of its own', async (t) => {
  const version = /"version": "(.*)"/.exec(readFileSync('package.json', 'utf8'))?.[1];
  t.match(await runTowline(t, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  t.equal(homeOf(t), homeOf(t), 'all commands of a test share it');
  t.not(homeOf(t), process.env['HOME']);
  t.equal(cliEnv(t)['SSH_AUTH_SOCK'], undefined);
});

test('a process warning of the program fails the test that runs it', async (t) => {
  const env = { NODE_OPTIONS: '--import=data:text/javascript,process.emitWarning(%22leak%22)' };
  await t.rejects(runTowline(t, ['--version'], { env }), /process warning: .*leak/);
});
