import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { test } from 'tap';
import { Fault } from '../../../../src/core/model/fault.ts';
import { dumpLines } from '../../../../src/core/ssh/resolve/dump.ts';
import { parseHostSpec } from '../../../../src/core/ssh/resolve/host-name.ts';
import { askConfig, readConfig } from '../../../../src/core/ssh/resolve/resolution.ts';
import { makeTemp } from '../../../fixtures/temp.ts';
import { allowedDifferences, dumpCases } from './dump-cases.ts';
import { cases, writeCase } from './oracle-cases.ts';
import { randomCases } from './random-config.ts';

const { username, homedir } = userInfo();
const env = { ...process.env, SSH_AUTH_SOCK: '/run/agent.sock', ORACLE: '/from/env' };

/** What `ssh -G` prints; null where it refuses. */
function theirs(config: string, host: string): Promise<readonly string[] | null> {
  return new Promise((resolve) => {
    execFile('ssh', ['-G', '-F', config, host], { env }, (error, stdout) => {
      resolve(error === null ? stdout.trimEnd().split('\n') : null);
    });
  });
}

/** What we would print; a sentence in place of lines where we refuse. */
async function ours(config: string, host: string): Promise<readonly string[] | string> {
  try {
    const read = await readConfig({ sshConfig: config, home: homedir, localUser: username, env });
    const resolution = await askConfig(read, parseHostSpec(host));
    return dumpLines(resolution).map(({ keyword, text }) => `${keyword} ${text}`);
  } catch (error) {
    const { code, message } = Fault.from(error);
    return `${code} ${message}`;
  }
}

/** A refusal, and no bug of ours (INTERNAL). */
const refusal = /^(?:SSH_CONFIG_INVALID|HOST_INVALID) /;

test('explain --format ssh prints what `ssh -G` prints, or refuses what it refuses', async (t) => {
  const dir = makeTemp(t, 'dump');
  const all = { ...cases, ...dumpCases };
  let refused = 0;
  for (const [name, one] of Object.entries(all)) {
    const config = writeCase(dir, name, one);
    const [mine, yours] = await Promise.all([ours(config, one.host ?? 'h'), theirs(config, one.host ?? 'h')]);
    if (yours === null) {
      refused += 1;
      t.match(mine, refusal, `${name}: refused`);
    } else {
      t.strictSame(mine, yours, name);
    }
  }
  t.ok(Object.keys(all).length >= 150, `${Object.keys(all).length} cases`);
  t.ok(refused >= 30, `${refused} of them are refused`);
  t.comment(`${Object.keys(all).length} cases, ${refused} of them refused by ssh`);
});

test('where explain and ssh -G may differ, they do, and there is a reason', async (t) => {
  const dir = makeTemp(t, 'allowed');
  for (const [name, one] of Object.entries(allowedDifferences)) {
    const config = writeCase(dir, name, one);
    const [mine, yours] = await Promise.all([ours(config, one.host ?? 'h'), theirs(config, one.host ?? 'h')]);
    t.not(typeof mine === 'string', yours === null, `${name}: ${one.reason}`);
  }
});

test('random configs mean what `ssh -G` says', async (t) => {
  const dir = makeTemp(t, 'random');
  const seed = Number(process.env['TOWLINE_SEED'] ?? 20_261_124);
  const count = Number(process.env['TOWLINE_CASES'] ?? 2_000);
  let different = 0;
  let refused = 0;
  for (const [index, one] of randomCases(seed, count).entries()) {
    const config = writeCase(dir, `r${index}`, one);
    const [mine, yours] = await Promise.all([ours(config, one.host ?? 'h'), theirs(config, one.host ?? 'h')]);
    refused += Number(yours === null);
    const same =
      yours === null ? typeof mine === 'string' && refusal.test(mine) : JSON.stringify(mine) === JSON.stringify(yours);
    different += Number(!same);
    if (!same && different <= 5) {
      t.comment(`seed ${seed}, case ${index}, host ${one.host}:\n${one.config}`);
      t.strictSame(mine, yours, `case ${index}`);
    }
  }
  t.equal(different, 0, `${different} of ${count} differ (seed ${seed})`);
  t.ok(refused < count / 3, `${refused} of ${count} are refused by ssh`);
  t.comment(`seed ${seed}: ${count} configs, ${refused} refused by ssh, ${different} differ`);
});
