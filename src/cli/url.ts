import type { Called } from './commands.ts';
import { handOver } from './hand-over.ts';
import { relayPage } from './relay-page.ts';

/** `towline url RELAY [FORWARD]`: the address of its backend's page or WebSocket, with the token where an address can have it. */
export async function url(called: Called): Promise<number> {
  const { given, terminal } = called;
  const page = await relayPage(called, 'url');
  const { text, shown } = page.address();
  if (page.hasToken && !shown) {
    terminal.err(`its token is no part of the address; \`towline token ${page.relay}\` shows it\n`);
  }
  // Without a token there is nothing to hide.
  return handOver(text, `the address of ${page.relay}`, shown ? given : { print: true, ...given }, terminal);
}
