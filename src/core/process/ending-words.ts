/** How a process of ours says why it ends (`manners.ts`), and how V8 does. A program may have written many an error before. */
export const endingWords =
  /^FATAL ERROR: |^Error: process\.\w+\(.*\) was called|^Error: .* \((?:uncaughtException|unhandledRejection)/;
