import { stat } from 'node:fs/promises';

/** How often the files that a blocked lane waits for are looked at. Polling sees renames, mounts and sockets alike. */
const period = 2_000;

/** How files stood at one moment. */
export interface Stamps {
  readonly files: readonly string[];
  readonly at: string;
}

/** Looks at files before they are read: a change while they are read, or after, is a change. */
export async function stampFiles(files: readonly string[]): Promise<Stamps> {
  return { files, at: (await Promise.all(files.map(stamp))).join('|') };
}

/** Calls back once when one of the files differs from its stamp. Returns the stop. */
export function watchFiles(before: Stamps, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    const now = await stampFiles(before.files);
    if (stopped) return;
    if (now.at !== before.at) return changed();
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
