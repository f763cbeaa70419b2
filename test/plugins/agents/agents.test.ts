import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { pluginConforms, type RemoteHost } from '../../../src/plugin.ts';
import agents from '../../../src/plugins/agents/agents.ts';
import { startEcho } from '../../fixtures/backend.ts';
import { openRemoteHost } from '../../fixtures/remote-host.ts';
import { type Sshd, startSshd } from '../../fixtures/sshd.ts';
import { supervise } from '../../fixtures/supervised.ts';

// What each of them prints and exits with, as it was seen in November 2026.
const loggedOut: Readonly<Record<string, string>> = {
  claude: 'echo "a warning first" >&2; echo \'{ "loggedIn": false, "authMethod": "none" }\'; exit 1',
  codex: 'echo "Not logged in" >&2; exit 1',
  opencode: 'echo "0 credentials"',
  'cursor-agent': 'echo "Not logged in"',
  copilot: 'exit 0',
};
const loggedIn: Readonly<Record<string, string>> = {
  claude: 'echo \'{ "loggedIn": true }\'',
  codex: 'echo "Logged in using ChatGPT"',
  opencode: 'echo "2 credentials"',
};

function install(sshd: Sshd, name: string, script: string): void {
  const bin = join(sshd.home, '.local/bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** What the hook says of these programs. */
async function inspect(link: RemoteHost, programs: readonly string[]): Promise<readonly string[] | undefined> {
  const { signal } = new AbortController();
  const options = agents.options?.parse({ programs }) ?? [];
  const hooks = await agents.relay?.({ relay: 'r', options, env: {}, signal, uidOf: async () => null });
  return hooks?.inspect?.(link, signal);
}

test('the plugin is one', async (t) => {
  await t.resolves(pluginConforms(agents, { options: { programs: ['claude', 'codex'] } }));
  const parse = (options: unknown) => () => agents.options?.parse(options);
  t.throws(parse({}), { code: 'CONFIG_INVALID', message: /"programs" must be a list/ });
  t.throws(parse({ programs: ['cluade'] }), { message: /"cluade" is no agent program .*did you mean "claude"\?/ });
  t.throws(parse({ programs: ['claude'], when: 'now' }), { message: /"when" is no option/ });
});

test('who is missing, and who is not logged in, is told with what to run there', async (t) => {
  const sshd = await startSshd(t);
  for (const [name, script] of Object.entries(loggedOut)) install(sshd, name, script);
  install(sshd, 'opencode', 'sleep 60');
  const link = await openRemoteHost(t, sshd);
  const ask = (programs: readonly string[]) => inspect(link, programs);
  const notes = await ask(['claude', 'codex', 'cursor-agent', 'copilot']);
  t.match(notes, [
    /^claude is not logged in on .*; run `claude auth login` there$/,
    /^codex is not logged in on .*; run `codex login` there$/,
    /^cursor-agent is not logged in on .*; run `cursor-agent login` there$/,
    /^copilot is not logged in on .*; run `copilot login` there$/,
  ]);
  for (const [name, script] of Object.entries(loggedIn)) install(sshd, name, script);
  t.same(await ask(['claude', 'codex', 'opencode']), []);
});

test('a status command that fails for another reason is not taken for a login, and its words are told', async (t) => {
  const sshd = await startSshd(t);
  // As an npm program does where node is not on the PATH, one that lost its network, and one whose words come as from a terminal.
  install(sshd, 'claude', 'echo "env: node: No such file or directory" >&2; exit 127');
  install(
    sshd,
    'codex',
    'echo "a warning"; printf "\\033[31mError: key sk-abcdef0123456789abcdef refused\\033[0m"; exit 3',
  );
  install(sshd, 'cursor-agent', 'exit 1');
  // Whatever it ends with: its words say that nobody is logged in.
  install(sshd, 'opencode', 'echo "0 credentials"; exit 2');
  const link = await openRemoteHost(t, sshd);
  const notes = await inspect(link, ['claude', 'codex', 'cursor-agent', 'opencode']);
  t.match(notes, [
    /^claude on .* could not tell whether it is logged in \(exit code 127: env: node: No such file or directory\); run `claude auth status` there$/,
    /^codex on .* could not tell whether it is logged in \(exit code 3: Error: key \[redacted\] refused\); run `codex login status` there$/,
    /^cursor-agent on .* could not tell whether it is logged in \(exit code 1\); run `cursor-agent status` there$/,
    /^opencode is not logged in on /,
  ]);
});

test('status has it after each link, and loses it with the link after which all is well', async (t) => {
  const sshd = await startSshd(t);
  const { port } = await startEcho(t);
  install(sshd, 'codex', loggedOut['codex'] ?? '');
  const plugins = [{ use: 'agents', programs: ['codex', 'claude'] }];
  const daemon = await supervise(t, sshd, { r: { host: 'test', forwards: [`0:127.0.0.1:${port}`], plugins } });
  const told = await daemon.next('its notes', (event) => event.type === 'host.inspected');
  t.match(told, { plugin: 'agents', notes: [/codex is not logged in/, /claude is not on the PATH/] });
  t.match((await daemon.reach('r', 'connected')).notes, { agents: [/codex/, /claude/] });
  install(sshd, 'codex', loggedIn['codex'] ?? '');
  install(sshd, 'claude', loggedIn['claude'] ?? '');
  sshd.killSessions();
  await daemon.next('other notes', (event) => event.type === 'host.inspected' && event.notes.length === 0, told.id);
});
