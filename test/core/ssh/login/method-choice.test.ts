import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthContext } from 'ssh2';
import { test } from 'tap';
import { MethodChoice } from '../../../../src/core/ssh/login/method-choice.ts';
import type { AuthMethod } from '../../../../src/core/ssh/resolve/host-config.ts';
import { startRogue } from '../../../fixtures/rogue-server.ts';
import { makeTemp, type Owner } from '../../../fixtures/temp.ts';
import { logInAsked } from './asked.ts';

test('the first of the own list that the server takes is chosen, and kept until it is exhausted', (t) => {
  const choice = new MethodChoice(['publickey', 'keyboard-interactive', 'password']);
  const all = ['password', 'publickey', 'keyboard-interactive'];
  t.equal(choice.next(null), 'publickey', 'before the server has said anything');
  t.equal(choice.next(all), 'publickey');
  t.equal(choice.next(all), 'publickey', 'it may have another key');
  choice.exhaust('publickey');
  t.equal(choice.next(all), 'keyboard-interactive');
  t.equal(choice.next(['password', 'publickey']), 'password', 'another list begins anew, without what is exhausted');
  choice.exhaust('password');
  t.equal(choice.next(['password', 'publickey']), null);
  t.equal(choice.next(all), 'keyboard-interactive', 'it was not exhausted');
  t.end();
});

test('a server that names nothing is taken to take everything, and one that names only others nothing', (t) => {
  t.equal(new MethodChoice(['password']).next([]), 'password');
  t.equal(new MethodChoice(['password']).next(['']), 'password');
  t.equal(new MethodChoice(['password']).next(['hostbased', 'gssapi-with-mic']), null);
  t.equal(new MethodChoice([]).next(['password']), null);
  t.end();
});

interface Case {
  readonly name: string;
  readonly preferred: readonly AuthMethod[];
  readonly tries: number;
  /** What the server answers to the nth attempt, `none` being the first: what it still takes, with `+` before it where that one counted. */
  readonly says: readonly string[];
}

const all = 'publickey,password,keyboard-interactive';
const defaults: readonly AuthMethod[] = ['publickey', 'keyboard-interactive', 'password'];

// biome-ignore format: a table is read by its columns
const cases: readonly Case[] = [
  { name: 'everything fails',                 preferred: defaults, tries: 3, says: [all] },
  { name: 'one try each',                     preferred: defaults, tries: 1, says: [all] },
  { name: 'passwords only',                   preferred: defaults, tries: 3, says: ['password'] },
  { name: 'an own order',                     preferred: ['password', 'publickey'], tries: 2, says: [all] },
  { name: 'a list that changes on the way',   preferred: defaults, tries: 3, says: [all, all, 'password,keyboard-interactive', 'password', all] },
  { name: 'the key is accepted, then a code', preferred: defaults, tries: 3, says: [all, '+keyboard-interactive'] },
  { name: 'the same list after a success',    preferred: defaults, tries: 2, says: ['password', '+password'] },
  { name: 'nothing of ours',                  preferred: ['password'], tries: 3, says: ['publickey,hostbased'] },
];

for (const { name, preferred, tries, says } of cases) {
  test(`methods are tried as often and in the same order as by ssh: ${name}`, async (t) => {
    const seen: string[] = [];
    let client = '';
    let attempt = 0;
    const server = await startRogue(t, {
      login: (context: AuthContext) => {
        const of = `${context.method}`;
        // A query for a key and its signature are one attempt; both clients of this test send a query first.
        if (context.method === 'publickey' && context.signature === undefined) return context.accept();
        const said = says[Math.min(attempt, says.length - 1)] ?? '';
        attempt += 1;
        seen.push(`${client} ${of}`);
        const [partial, list] = [said.startsWith('+'), said.replace('+', '').split(',')];
        const reject = () => context.reject(list as never[], partial);
        if (context.method === 'keyboard-interactive') context.prompt([{ prompt: 'Password: ', echo: false }], reject);
        else reject();
      },
    });
    const of = (who: string) => seen.filter((one) => one.startsWith(who)).map((one) => one.slice(who.length + 1));
    client = 'ssh';
    await runSshAnswering(t, server.sshConfigFile, [
      `PreferredAuthentications=${preferred}`,
      `NumberOfPasswordPrompts=${tries}`,
    ]);
    client = 'ours';
    attempt = 0;
    await logInAsked(t, server, { authMethods: preferred, passwordPrompts: tries }, async ({ prompts }) =>
      prompts.map(() => 'x'),
    );
    t.ok(of('ssh').length > 0, 'ssh was seen');
    t.same(of('ours'), of('ssh'));
  });
}

/** A real ssh whose every question is answered with `x`. */
function runSshAnswering(t: Owner, config: string, options: readonly string[]): Promise<void> {
  const askpass = join(makeTemp(t, 'askpass'), 'askpass');
  writeFileSync(askpass, '#!/bin/sh\necho x\n');
  chmodSync(askpass, 0o755);
  const env = { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  const args = ['-F', config, ...options.flatMap((option) => ['-o', option]), 'test', 'true'];
  const child = spawn('ssh', args, { env, stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
