import { Missing, run, runAsRoot, which } from './shell.mjs';

/** The last install that was asked for: apt does one at a time. */
let before = Promise.resolve();
let updated = false;

/** Installs Debian packages, or says in one sentence what is missing and how to get it. */
export function install(packages) {
  const mine = before.then(() => installNow(packages));
  before = mine.catch(() => undefined);
  return mine;
}

async function installNow(packages) {
  const names = packages.join(' ');
  const why = `${names} cannot be installed here; install with your package manager, then run \`npm run setup\` again`;
  if (which('apt-get') === undefined) throw new Missing(`${why} (no apt-get on this machine)`);
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  if (!updated) await runAsRoot('apt-get', ['update', '-qq'], why, { env });
  updated = true;
  await runAsRoot('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], why, { env });
}

/** The mirror of Debian that this machine's apt uses, whichever release it is for; undefined where there is none. */
export async function mirror() {
  const targets = await run('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Origin: Debian',
    'Component: main',
  ]);
  return targets.ok ? targets.stdout.split('\n').find((line) => /^http.*\/debian\/?$/.test(line)) : undefined;
}
