// `npm run setup`: whatever the tests need beside npm packages. Says nothing about what is there already.
import { ensureEngine } from './engine.mjs';
import { ensureBaseImage, ensureSshdImage, IMAGES } from './images.mjs';
import { install } from './packages.mjs';
import { ensureNode24, node24Runs } from './node24.mjs';
import { Missing, run, which } from './shell.mjs';
import { ensureVite } from './vite.mjs';

async function ensureTools() {
  // script runs a command on a terminal of its own
  const needed = {
    sshd: 'openssh-server',
    ssh: 'openssh-client',
    'ssh-keygen': 'openssh-client',
    curl: 'curl',
    script: 'bsdutils',
    fish: 'fish',
    tcsh: 'tcsh',
    strace: 'strace',
    busybox: 'busybox',
    jupyter: 'jupyter-core',
    'jupyter-server': 'jupyter-server',
    // the keyring and what opens it
    'secret-tool': 'libsecret-tools',
    'gnome-keyring-daemon': 'gnome-keyring',
    'dbus-run-session': 'dbus-daemon',
    // networks of their own, and clocks
    iptables: 'iptables',
    tc: 'iproute2',
    unshare: 'util-linux',
    faketime: 'faketime',
    // what a service manager is told, and who hears it
    'systemd-notify': 'systemd',
    perl: 'perl-base',
  };
  const missing = Object.entries(needed).flatMap(([tool, name]) => (which(tool) === undefined ? [name] : []));
  // any of these will do for the test of the demo's page
  if (['chromium', 'chromium-browser', 'google-chrome'].every((name) => which(name) === undefined))
    missing.push('chromium');
  // the tests use the options of OpenBSD's nc, and there are three programs of that name
  if (!(await run('nc', ['-h'])).stderr.includes('OpenBSD')) missing.push('netcat-openbsd');
  if (missing.length === 0) return false;
  await install([...new Set(missing)]);
  return true;
}

async function main() {
  const start = Date.now();
  const done = async (name, ensure) => {
    const stepStart = Date.now();
    const worked = await ensure();
    if (worked) console.log(`setup: ${name}: done (${seconds(stepStart)})`);
    return worked;
  };
  // What needs the engine begins with it; the packages that the images wait for are installed before the others.
  const engine = done('a container engine', ensureEngine);
  const image = async (release) => {
    await engine;
    const base = await done(`the base image of ${release}`, () => ensureBaseImage(release));
    return (await done(`the sshd image of ${release}`, () => ensureSshdImage(release))) || base;
  };
  const tools = 'OpenSSH, nc, curl, script, shells, Jupyter, a keyring, a firewall, a clock and a browser';
  const ends = await Promise.allSettled([
    engine,
    ...Object.keys(IMAGES).map(image),
    engine.catch(() => undefined).then(() => done(tools, ensureTools)),
    done('Node.js 24 beside this one', ensureNode24),
    done('Vite', ensureVite),
  ]);
  const reasons = new Set(ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : [])));
  for (const reason of reasons) {
    if (!(reason instanceof Missing)) throw reason;
    console.error(`setup: ${reason.message}`);
    process.exitCode = 1;
  }
  if (reasons.size > 0) return;
  if (!node24Runs) console.log(`setup: Node.js 24 is left out on ${process.platform} ${process.arch}`);
  const worked = ends.some(({ value }) => value);
  console.log(worked ? `setup: ready (${seconds(start)})` : `setup: everything is there (${seconds(start)})`);
}

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

await main();
