import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A page on this machine's disk, for its owner's eyes only, that leads a browser on to an address with a token in it. */
export interface Doorstep {
  readonly file: string;
  /** Resolves a moment after somebody has read it, at the latest after half a minute; false: nobody has, as far as can be seen. */
  read(): Promise<boolean>;
  remove(): void;
}

/** How long a browser may take to read it, and then to follow, ms. */
const patience = { read: 30_000, follow: 1_000, look: 200 };

/** Makes it, born 0600, in a folder of mode 0700. */
export function makeDoorstep(folder: string, relay: string, address: string): Doorstep {
  const file = join(folder, `open-${randomBytes(8).toString('hex')}.html`);
  const descriptor = openSync(
    file,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    writeFileSync(descriptor, pageFor(relay, address));
  } finally {
    closeSync(descriptor);
  }
  // Linux moves the time of access only where it is older than the time of change (relatime).
  const { mtime } = statSync(file);
  utimesSync(file, new Date(0), mtime);
  return {
    file,
    read: async () => {
      for (let waited = 0; waited < patience.read; waited += patience.look) {
        const stats = statSync(file, { throwIfNoEntry: false });
        if (stats === undefined) return true;
        if (stats.atimeMs > 0) {
          await sleep(patience.follow);
          return true;
        }
        await sleep(patience.look);
      }
      return false;
    },
    remove: () => rmSync(file, { force: true }),
  };
}

/** Nothing of it is kept in the browser's history or told to the page as where it came from. */
function pageFor(relay: string, address: string): string {
  const quoted = JSON.stringify(address).replaceAll('<', '\\u003c');
  return [
    '<!doctype html>',
    '<meta charset="utf-8">',
    '<meta name="referrer" content="no-referrer">',
    `<title>${relay}</title>`,
    `<p>Opening ${relay}...`,
    `<script>location.replace(${quoted})</script>`,
    '',
  ].join('\n');
}
