import { away } from './deeds.ts';
import { reset } from './link-rows.ts';
import type { FaultRow } from './row.ts';

/** What takes too long for an ordinary run. */
export const longRows: readonly FaultRow[] = [
  {
    id: 'F05c',
    title: 'sshd is away for 10 min',
    sees: `${reset}; who waits longer than \`hold.time\` is reset`,
    make: away(600_000),
  },
];
