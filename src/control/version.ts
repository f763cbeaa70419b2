import { existsSync, readFileSync } from 'node:fs';
import { Fault } from '../core/model/fault.ts';

/** The version in towline's own package.json, which stands some folders above the compiled file. */
export function readVersion(): string {
  for (let folder = new URL('./', import.meta.url); folder.pathname !== '/'; folder = new URL('../', folder)) {
    const file = new URL('package.json', folder);
    if (!existsSync(file)) continue;
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof found === 'object' && found !== null && 'version' in found) return String(found.version);
  }
  throw new Fault('INTERNAL', 'towline cannot find its own package.json; install it anew');
}
