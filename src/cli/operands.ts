import type { Operand, OptionText } from './commands.ts';

export const relay: Operand = { name: 'relay', shown: 'RELAY' };
export const maybeRelay: Operand = { name: 'relay', shown: '[RELAY]' };
export const host: Operand = { name: 'host', shown: 'HOST' };
/** A word that says which of several things a command does. */
export const verb = (shown: string): Operand => ({ name: 'verb', shown });

/** What most commands that show something take. */
export const json: OptionText = { name: 'json', text: 'print JSON for programs' };
