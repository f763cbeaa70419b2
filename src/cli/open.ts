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
    await start(text);
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
    await start(doorstep.file);
    await doorstep.read();
  } finally {
    doorstep.remove();
  }
  return 0;
}

/** Hands a page or a file to whatever opens such things here; it goes on by itself. */
function start(what: string): Promise<void> {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open';
  return new Promise((resolve, reject) => {
    const child = spawn(opener, [what], { stdio: 'ignore', detached: true });
    // Some openers are the browser itself, and stay.
    const stays = setTimeout(resolve, 3_000);
    child.unref();
    const fail = (why: string) => {
      clearTimeout(stays);
      reject(new Fault('USAGE', `${why}; \`towline url\` prints the address, to be opened by hand`));
    };
    child.on('error', () => fail(`there is no ${opener} here`));
    child.on('exit', (code) => {
      clearTimeout(stays);
      if (code === 0 || code === null) resolve();
      else fail(`${opener} ended with ${code}`);
    });
  });
}
