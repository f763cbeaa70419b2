// `npm run setup`: whatever the tests need beside npm packages. Says nothing about what is there already.
import { ensureEngine } from './engine.mjs';
import { ensureBaseImage, ensureSshdImage, IMAGES } from './images.mjs';
import { install } from './packages.mjs';
import { ensureNode24, node24Runs } from './node24.mjs';
import { Missing, run, which } from './shell.mjs';
import { ensureVite } from './vite.mjs';

function ensureTools() {
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
  if (!run('nc', ['-h']).stderr.includes('OpenBSD')) missing.push('netcat-openbsd');
  if (missing.length === 0) return false;
  install([...new Set(missing)]);
  return true;
}

async function main() {
  const steps = [
    ['OpenSSH, nc, curl, script, shells, Jupyter, a keyring, a firewall, a clock and a browser', ensureTools],
    ['a container engine', ensureEngine],
    ...Object.keys(IMAGES).flatMap((release) => [
      [`the base image of ${release}`, () => ensureBaseImage(release)],
      [`the sshd image of ${release}`, () => ensureSshdImage(release)],
    ]),
    ['Node.js 24 beside this one', ensureNode24],
    ['Vite', ensureVite],
  ];
  const start = Date.now();
  let worked = false;
  for (const [name, ensure] of steps) {
    const stepStart = Date.now();
    if (!(await ensure())) continue;
    worked = true;
    console.log(`setup: ${name}: done (${seconds(stepStart)})`);
  }
  if (!node24Runs) console.log(`setup: Node.js 24 is left out on ${process.platform} ${process.arch}`);
  console.log(worked ? `setup: ready (${seconds(start)})` : `setup: everything is there (${seconds(start)})`);
}

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

try {
  await main();
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
