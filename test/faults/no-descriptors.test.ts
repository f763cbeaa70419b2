import { test } from 'tap';
import { runStarved } from '../fixtures/starved.ts';

const module = (path: string) => JSON.stringify(new URL(`../../src/core/${path}`, import.meta.url).href);

test('a program that cannot be started for lack of descriptors is a fault, and not the end of who starts it', async (t) => {
  const end = await runStarved(
    t,
    `import { runQuietly } from ${module('secrets/run-quietly.js')};
import { runProxyCommand } from ${module('ssh/proxy-command.js')};
import { Askpass } from ${module('supervisor/logins/askpass.js')};
const said = [];
const say = (error) => said.push(error.code + ' ' + error.message);
takeAll();
await runQuietly({ command: '/bin/true', words: [] }).catch(say);
try {
  runProxyCommand({ command: 'true', where: 'me@box:22', env: { SHELL: '/bin/sh' }, onNote: () => undefined });
} catch (error) {
  say(error);
}
const question = { kind: 'keyboard-interactive', about: 'x', where: 'box', text: '', prompts: [{ text: '?', echo: true }], again: false };
said.push(String(await new Askpass().ask('/bin/true', question, new AbortController().signal)));
await new Promise((resolve) => setImmediate(resolve));
giveBack();
console.log(said.join('\\n'));
`,
  );
  t.match(end, {
    code: 0,
    stdout: [
      'TOKEN_MISSING /bin/true cannot be run (EMFILE); run it by hand',
      'PROXY_COMMAND_FAILED the ProxyCommand of me@box:22 cannot be run by "/bin/sh" (EMFILE); see what the system lacks',
      'null\n',
    ].join('\n'),
    stderr: '',
  });
});
