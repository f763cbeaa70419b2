import { configFault } from './config-fault.ts';
import type { DumpSheet } from './dump-sheet.ts';
import type { Jump } from './jump.ts';

/** What makes `ssh -G` end with an error only after everything was read. */
export function refuseAsSsh(sheet: DumpSheet, jumps: readonly Jump[]): void {
  const { hostName, user, port } = sheet.resolution;
  const last = jumps.at(-1);
  const looped =
    last !== undefined && last.host === hostName && (last.port ?? 22) === port && (last.user ?? user) === user;
  if (looped)
    throw configFault(`${sheet.at('proxyjump')}: ProxyJump leads from "${last.host}" to itself; write "none"`);
  if (sheet.value('connectionattempts') === '0')
    throw configFault(`${sheet.at('connectionattempts')}: ConnectionAttempts is 0; write 1`);
  const session = sheet.value('sessiontype') === 'none' || sheet.command('remotecommand') !== null;
  if (sheet.value('forkafterauthentication') === 'yes' && !session) {
    throw configFault(`${sheet.at('forkafterauthentication')}: ForkAfterAuthentication needs a command; remove it`);
  }
  if (sheet.value('proxycommand') === '-' && sheet.value('proxyusefdpass') === 'yes') {
    throw configFault(
      `${sheet.at('proxycommand')}: ProxyCommand "-" and ProxyUseFdpass exclude each other; remove one`,
    );
  }
}
