import { join } from 'node:path';
import { test } from 'tap';
import { Fault } from '../../src/core/model/fault.ts';
import { dumpLines } from '../../src/core/ssh/resolve/dump.ts';
import { parseHostSpec } from '../../src/core/ssh/resolve/host-name.ts';
import { askConfig, readConfig } from '../../src/core/ssh/resolve/resolution.ts';
import { dumpCases } from '../core/ssh/resolve/dump-cases.ts';
import { type Case, cases, writeCase } from '../core/ssh/resolve/oracle-cases.ts';
import { startContainer } from '../fixtures/container.ts';
import { makeTemp } from '../fixtures/temp.ts';

const set = (...lines: readonly string[]): Case => ({ config: `${lines.join('\n')}\n` });

/** Conditions that OpenSSH 9.2 does not know. */
const newer: Readonly<Record<string, Case>> = {
  'a tag that matches': set('Tag work', 'Match tagged work,home', 'User x'),
  'a tag by a pattern': set('Tag work', 'Match tagged w*', 'User x'),
  'a tag that does not match': set('Tag work', 'Match tagged home', 'User x'),
  'not that tag': set('Tag work', 'Match !tagged home', 'User x'),
  'no tag at all': set('Match tagged ""', 'User x'),
  'a tag set later': set('Match tagged work', 'User x', 'Host *', 'Tag work'),
  'a tag set later, in a final pass': set('Match final tagged work', 'User x', 'Host *', 'Tag work'),
  'the first tag': set('Tag a', 'Tag b', 'Match tagged b', 'User x'),
  'our loopback': set('Match localnetwork 127.0.0.0/8', 'User x'),
  'our loopback by its address': set('Match localnetwork 203.0.113.0/24,127.0.0.1', 'User x'),
  'any network': set('Match localnetwork 0.0.0.0/0', 'User x'),
  'a network that is not ours': set('Match localnetwork 203.0.113.0/24', 'User x'),
  'not a network that is not ours': set('Match !localnetwork 203.0.113.0/24', 'User x'),
  'a network of IPv6 that is not ours': set('Match localnetwork 2001:db8::/32', 'User x'),
  'a network that is none': set('Match localnetwork 10.0.0.0/33', 'User x'),
  'a network by a name': set('Match localnetwork home', 'User x'),
  'an empty list of networks': set('Match localnetwork ""', 'User x'),
  'no command': set('Match command ""', 'User x'),
  'a command that is not run': set('Match command rsync*', 'User x'),
};

/** What 10 does otherwise than 9.2, which is the oracle for everything else; that it still does is checked. */
const otherwise: Readonly<Record<string, string>> = {
  'ip qos two classes': '10 takes no number any more that has a name',
  'pubkey algorithms by their old name': '10 has no DSA',
  'match with single quotes': '10 takes them for quotes, 9.2 for a part of the name',
};

/** What both print in the same words, whatever their defaults are. */
const compared =
  /^(?:user|hostname|port|proxyjump|proxycommand|hostkeyalias|identityfile|certificatefile|localforward|remoteforward|dynamicforward|sendenv|setenv|serveralivecountmax|serveraliveinterval|identitiesonly|compression|requesttty|rekeylimit) (?!~\/\.ssh\/id_dsa$)/;

test('OpenSSH 10 means the same: what 9.2 does not know, and all the rest of the corpus', async (t) => {
  const container = await startContainer(t, { release: 'trixie' });
  const dir = makeTemp(t, 'newer');
  const corpus = { ...cases, ...dumpCases, ...newer };
  const names = Object.keys(corpus);
  const script: string[] = ['umask 077; export SSH_AUTH_SOCK=/run/agent.sock ORACLE=/from/env'];
  for (const [index, name] of names.entries()) {
    const one = corpus[name] ?? set();
    const folder = writeCase(dir, name, one).replace(/\/config$/, '');
    const files = { config: one.config, ...one.files };
    script.push(`mkdir -p ${folder}`);
    for (const [file, text] of Object.entries(files)) {
      const encoded = Buffer.from(text.replaceAll(' dir/', ` ${folder}/`)).toString('base64');
      script.push(`echo ${encoded} | base64 -d >${join(folder, file)}`);
    }
    script.push(`echo "=== ${index}"; ssh -G -F ${folder}/config ${one.host ?? 'h'} 2>/dev/null || echo refused`);
  }
  const encoded = Buffer.from(script.join('\n')).toString('base64');
  // One argument of a command holds 128 KiB at most.
  for (let at = 0; at < encoded.length; at += 60_000) {
    await container.exec('printf %s "$1" >>/tmp/s64', { args: [encoded.slice(at, at + 60_000)] });
  }
  const { stdout } = await container.exec('base64 -d /tmp/s64 >/tmp/s; HOME=/root sh /tmp/s');
  const answers = stdout.split(/^=== \d+\n/m).slice(1);
  t.equal(answers.length, names.length);
  const env = { ...process.env, SSH_AUTH_SOCK: '/run/agent.sock', ORACLE: '/from/env' };
  let same = 0;
  for (const [index, name] of names.entries()) {
    const answer = (answers[index] ?? '').trim().split('\n');
    const theirs = answer.includes('refused') ? 'refused' : answer.filter((line) => compared.test(line));
    const config = join(dir, name.replace(/\W/g, '_'), 'config');
    const options = { sshConfig: config, home: '/root', localUser: 'root', env };
    const ours = await readConfig(options)
      .then((read) => askConfig(read, parseHostSpec(corpus[name]?.host ?? 'h')))
      .then((resolution) =>
        dumpLines(resolution)
          .map(({ keyword, text }) => `${keyword} ${text}`)
          .filter((line) => compared.test(line)),
      )
      .catch((error: unknown) => {
        t.match(Fault.from(error).code, /^(?:SSH_CONFIG|HOST)_INVALID$/);
        return 'refused';
      });
    const reason = otherwise[name];
    if (reason === undefined) t.strictSame(ours, theirs, name);
    else t.strictNotSame(ours, theirs, `${name}: ${reason}`);
    same += Number(reason === undefined);
  }
  t.equal(same, names.length - Object.keys(otherwise).length);
  t.comment(`${same} of ${names.length} mean the same to OpenSSH 10`);
});
