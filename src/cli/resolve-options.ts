import { homedir, userInfo } from 'node:os';
import type { ResolveOptions } from '../core/ssh/resolve/resolve.ts';

/** How this user's ssh would resolve a host. `sshConfig`: as `ssh -F`. HOME wins over passwd(5), unlike with ssh: whoever sets it means it. */
export function resolveOptions(sshConfig: string | null): ResolveOptions {
  const env = Object.fromEntries(Object.entries(process.env));
  return { sshConfig, home: homedir(), localUser: userInfo().username, env };
}
