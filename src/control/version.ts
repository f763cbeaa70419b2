import { readFileSync } from 'node:fs';
import { Fault } from '../core/model/fault.ts';
import { ownPackage } from '../core/process/own-files.ts';

/** The version in towline's own package.json. */
export function readVersion(): string {
  const found: unknown = JSON.parse(readFileSync(new URL('package.json', ownPackage), 'utf8'));
  if (typeof found === 'object' && found !== null && 'version' in found) return String(found.version);
  throw new Fault('INTERNAL', 'towline cannot find its own version; install it anew');
}
