import { lastLine, run } from './shell.mjs';

/** Why this machine gives no test a network of its own, in one sentence; undefined where it does. */
export async function whyNoNamespaces() {
  const { ok, stderr } = await run('unshare', ['--net', '--mount', 'true'], { timeout: 20_000 });
  if (ok && process.getuid?.() === 0) return undefined;
  const why = ok ? 'this user is not root' : lastLine(stderr) || 'unshare fails';
  return `the tests that need root, and networks of their own (F07-F28 and others), cannot run here: ${why}; run all as root on Linux`;
}
