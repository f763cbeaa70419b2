import { stat } from 'node:fs/promises';

/** How often the files that a blocked lane waits for are looked at. Polling sees renames, mounts and sockets alike. */
const period = 2_000;

/** Calls back once when one of the files appears, goes or changes. Returns the stop. */
export function watchFiles(files: readonly string[], changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let before: string | null = null;
  const look = async () => {
    const now = (await Promise.all(files.map(stamp))).join('|');
    if (stopped) return;
    if (before !== null && now !== before) return changed();
    before = now;
    timer = setTimeout(() => void look(), period);
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function stamp(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, mode } = await stat(file);
    return `${ino} ${size} ${mtimeMs} ${mode}`;
  } catch {
    // Absent or unreadable is a state like any other: its change counts.
    return 'absent';
  }
}
