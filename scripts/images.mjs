import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, mirror } from './packages.mjs';
import { lastLine, Missing, run, runAsRoot, which } from './shell.mjs';

/** The images with SSH servers that the tests start, by Debian's release: OpenSSH 9.2 and 10.0. */
export const IMAGES = { bookworm: 'towline-sshd9', trixie: 'towline-sshd10' };

const baseOf = (release) => `debian:${release}-slim`;

/** Makes a base image be there: pulled where a registry answers, else made from Debian's packages. */
export async function ensureBaseImage(release) {
  const base = baseOf(release);
  if ((await run('docker', ['image', 'inspect', base])).ok) return false;
  if ((await run('docker', ['pull', '-q', base], { timeout: 60_000 })).ok) return true;
  if (which('debootstrap') === undefined) await install(['debootstrap']);
  const root = mkdtempSync(join(tmpdir(), 'towline-base-'));
  const why = `the image ${base} can neither be pulled nor made with debootstrap`;
  try {
    const from = await mirror();
    await runAsRoot('debootstrap', ['--variant=minbase', release, root, ...(from === undefined ? [] : [from])], why);
    const script = 'tar -C "$1" --exclude=./var/cache/apt/archives -c . | docker import - "$2"';
    await runAsRoot('sh', ['-c', script, 'import', root, base], why);
  } finally {
    await runAsRoot('rm', ['-rf', '--one-file-system', root], `cannot remove ${root}`);
  }
  return true;
}

/** Builds an sshd image when Dockerfile.sshd is not the one that it was built from. */
export async function ensureSshdImage(release) {
  const name = IMAGES[release];
  const dockerfile = readFileSync('Dockerfile.sshd', 'utf8');
  const hash = createHash('sha256').update(`${release}\n${dockerfile}`).digest('hex').slice(0, 16);
  const label = '{{index .Config.Labels "towline.dockerfile"}}';
  const built = await run('docker', ['image', 'inspect', '--format', label, name]);
  if (built.ok && built.stdout.trim() === hash) return false;
  const args = ['--build-arg', `RELEASE=${release}`];
  // without a build context the same command works for old and new engines
  const build = await run('docker', ['build', '-t', name, '--label', `towline.dockerfile=${hash}`, ...args, '-'], {
    input: dockerfile,
  });
  if (!build.ok) throw new Missing(`the image ${name} cannot be built: ${lastLine(build.stderr)}`);
  return true;
}
