import { writeSync } from 'node:fs';
import { watchProcesses } from './canary-watch.ts';

// In a container: what was seen of its processes until SIGTERM.
const seen = watchProcesses();
process.once('SIGTERM', () => writeSync(1, seen().join('\n').replaceAll('\0', ' ')));
