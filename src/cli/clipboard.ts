import { spawn } from 'node:child_process';
import { Fault } from '../core/model/fault.ts';
import type { Terminal } from './terminal.ts';

/** How long such a program may take to take the text over, ms. */
const patience = 5_000;

/** Puts a text on the clipboard, by the desktop's program (on its standard input) or by the terminal (OSC 52); says by which. Throws CLIPBOARD_MISSING. */
export async function copyText(text: string, terminal: Terminal): Promise<string> {
  for (const [command = '', ...words] of programs()) {
    if (await hand(command, words, text)) return command;
  }
  if (process.stdout.isTTY !== true) {
    const text = 'no wl-copy, xclip or pbcopy of a desktop works here, and there is no terminal to ask';
    throw new Fault('CLIPBOARD_MISSING', `${text}; install one of them, or give --print and pass it on`);
  }
  // xterm's control sequences, "Manipulate Selection Data"; nobody says whether the terminal obeyed.
  terminal.out(`\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`);
  return 'by the terminal, if it allows that';
}

function programs(): readonly (readonly string[])[] {
  if (process.platform === 'darwin') return [['pbcopy']];
  return [
    ...((process.env['WAYLAND_DISPLAY'] ?? '') === '' ? [] : [['wl-copy', '--sensitive'], ['wl-copy']]),
    ...((process.env['DISPLAY'] ?? '') === '' ? [] : [['xclip', '-selection', 'clipboard']]),
  ];
}

/** False where there is no such program, or it fails. It goes on in the background and serves the text: only its first process is waited for. */
function hand(command: string, words: readonly string[], text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    const timer = setTimeout(() => resolve(false), patience);
    const done = (well: boolean) => {
      clearTimeout(timer);
      child.unref();
      resolve(well);
    };
    child.on('error', () => done(false));
    child.on('exit', (code) => done(code === 0));
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(text);
  });
}
