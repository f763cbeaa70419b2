import { existsSync } from 'node:fs';
import { type ControlClient, openClient } from '../control/client.ts';
import { checkFolder, locateFolders } from '../control/folders.ts';

/** The client of this user's daemon. Refuses a folder that others could have laid in our way. */
export function connect(): ControlClient {
  const { runtime, socket } = locateFolders();
  if (existsSync(runtime)) checkFolder(runtime);
  return openClient(socket);
}
