import { spawn } from 'node:child_process';
import { Fault } from '../core/model/fault.ts';
import { locateFolders, openFolders } from '../control/folders.ts';
import type { Called } from './commands.ts';
import { makeDoorstep } from './doorstep.ts';
import { relayPage } from './relay-page.ts';

/** `towline open RELAY [FORWARD]`: opens its page in the browser. The opener's arguments, which every user can read, never hold the token. */
export async function open(called: Called): Promise<number> {
  const { terminal } = called;
  const page = await relayPage(called, 'open');
  // Browsers open pages; what speaks WebSocket serves its page at the same port.
  const { text, shown } = page.address('http');
  if (!shown) {
    await start(text, page.relay, text);
    if (page.hasToken) terminal.out(`it will ask for the token; \`towline token ${page.relay} --copy\` has it\n`);
    return 0;
  }
  const folders = locateFolders();
  openFolders(folders);
  const doorstep = makeDoorstep(folders.runtime, page.relay, text);
  const leave = () => {
    doorstep.remove();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, leave);
  try {
    const { isTTY } = process.stderr;
    // Who looks should know what is waited for, before it is.
    if (isTTY) terminal.err(`opening the page of ${page.relay}; waiting until a browser has read it, 30 s at most\n`);
    await start(doorstep.file, page.relay, page.plain);
    const isRead = await doorstep.read();
    if (isTTY && !isRead) {
      terminal.err(
        `no browser seems to have read it; \`towline url ${page.relay}\` shows the address, to be pasted into one\n`,
      );
    }
  } finally {
    doorstep.remove();
  }
  return 0;
}

/** Hands a page or a file to whatever opens such things here; it goes on by itself. `address`: where it leads, without a token. */
function start(what: string, relay: string, address: string): Promise<void> {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open';
  return new Promise((resolve, reject) => {
    const child = spawn(opener, [what], { stdio: 'ignore', detached: true });
    // Some openers are the browser itself, and stay.
    const stays = setTimeout(resolve, 3_000);
    child.unref();
    const fail = (why: string) => {
      clearTimeout(stays);
      const whole = what === address ? '' : `; \`towline url ${relay}\` shows it with its token`;
      reject(new Fault('BROWSER_MISSING', `${why}: paste ${address} into a browser by hand${whole}`));
    };
    child.on('error', () => fail(`there is no ${opener} here`));
    child.on('exit', (code) => {
      clearTimeout(stays);
      if (code === 0 || code === null) resolve();
      else fail(`${opener} ended with ${code}`);
    });
  });
}
