import { test } from 'tap';
import { remoteHost } from '../../src/core/ssh/link/remote-host.ts';
import { askPrograms } from '../../src/plugins/agents/ask.ts';
import { programs } from '../../src/plugins/agents/programs.ts';
import { startContainer } from '../fixtures/container.ts';
import { openTestLink } from '../fixtures/link.ts';

/** Login shells, each with a startup file of a login that prints, and puts a folder on PATH that no other file knows. */
const shells = {
  bash: { path: '/bin/bash', rc: '.profile', text: 'echo noise; export PATH="$HOME/only login:$PATH"' },
  fish: {
    path: '/usr/bin/fish',
    rc: '.config/fish/config.fish',
    text: 'echo noise; if status is-login; set -gx PATH "$HOME/only login" $PATH; end',
  },
  tcsh: { path: '/bin/tcsh', rc: '.login', text: 'echo noise; setenv PATH "$HOME/only login:$PATH"' },
  dash: { path: '/bin/dash', rc: '.profile', text: 'echo noise; PATH="$HOME/only login:$PATH"; export PATH' },
} as const;

const scripts = {
  claude: 'echo "{ \\"loggedIn\\": false }"; exit 1',
  codex: 'echo "Logged in using ChatGPT"',
  opencode: 'echo "Error: no database" >&2; exit 5',
};

for (const [name, { path, rc, text }] of Object.entries(shells)) {
  test(`a login shell of ${name}: agent programs that only its startup files find are found and asked`, async (t) => {
    const container = await startContainer(t);
    await container.exec(`usermod -s ${path} dev`);
    const write = 'mkdir -p "$(dirname "$1")"; printf "%s\\n" "$2" >"$1"; chmod 755 "$1"';
    const put = (file: string, words: string) =>
      container.exec(write, { user: 'dev', args: [`/home/dev/${file}`, words] });
    await put(rc, text);
    for (const [program, script] of Object.entries(scripts)) {
      await put(`only login/${program}`, `#!/bin/sh\n${script}`);
    }
    const states = await askPrograms(remoteHost(await openTestLink(t, container)), programs);
    t.match(
      states.map(({ program, ...found }) => ({ name: program.name, ...found })),
      [
        { name: 'claude', state: 'logged out' },
        { name: 'codex', state: 'logged in' },
        { name: 'copilot', state: 'missing' },
        { name: 'cursor-agent', state: 'missing' },
        { name: 'opencode', state: 'failed', says: 'exit code 5: Error: no database' },
      ],
    );
  });
}
