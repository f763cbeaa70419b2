import { jsonSchema } from '../core/config/schema.ts';
import type { Called } from './commands.ts';

/** `towline schema` */
export async function schema({ terminal }: Called): Promise<number> {
  terminal.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
  return 0;
}
