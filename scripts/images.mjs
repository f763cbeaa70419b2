import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, mirrorOf } from './packages.mjs';
import { lastLine, Missing, run, runAsRoot, which } from './shell.mjs';

const RELEASE = 'bookworm';
const BASE = `debian:${RELEASE}-slim`;

/** The image with sshd that the tests start. */
export const SSHD_IMAGE = 'towline-sshd';

/** Makes the base image be there: pulled where a registry answers, else made from Debian's packages. */
export function ensureBaseImage() {
  if (run('docker', ['image', 'inspect', BASE]).ok) return false;
  if (run('docker', ['pull', '-q', BASE], { timeout: 60_000 }).ok) return true;
  if (which('debootstrap') === undefined) install(['debootstrap']);
  const root = mkdtempSync(join(tmpdir(), 'towline-base-'));
  const why = `the image ${BASE} can neither be pulled nor made with debootstrap`;
  try {
    const mirror = mirrorOf(RELEASE);
    runAsRoot('debootstrap', ['--variant=minbase', RELEASE, root, ...(mirror === undefined ? [] : [mirror])], why);
    const script = 'tar -C "$1" --exclude=./var/cache/apt/archives -c . | docker import - "$2"';
    runAsRoot('sh', ['-c', script, 'import', root, BASE], why);
  } finally {
    runAsRoot('rm', ['-rf', '--one-file-system', root], `cannot remove ${root}`);
  }
  return true;
}

/** Builds the sshd image when Dockerfile.sshd is not the one that it was built from. */
export function ensureSshdImage() {
  const dockerfile = readFileSync('Dockerfile.sshd', 'utf8');
  const hash = createHash('sha256').update(dockerfile).digest('hex').slice(0, 16);
  const label = '{{index .Config.Labels "towline.dockerfile"}}';
  const built = run('docker', ['image', 'inspect', '--format', label, SSHD_IMAGE]);
  if (built.ok && built.stdout.trim() === hash) return false;
  // without a build context the same command works for old and new engines
  const build = run('docker', ['build', '-t', SSHD_IMAGE, '--label', `towline.dockerfile=${hash}`, '-'], {
    input: dockerfile,
  });
  if (!build.ok) throw new Missing(`the image ${SSHD_IMAGE} cannot be built: ${lastLine(build.stderr)}`);
  return true;
}
