import { connect } from 'node:net';

/** How long a process that is stopped or very busy has to accept before it counts as alive anyway, ms. */
const patience = 2_000;

/** True when somebody accepts at this Unix socket; a stopped process still does. False when nobody listens behind it any more. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (alive: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(alive);
    };
    const timer = setTimeout(settle, patience, true);
    socket.once('connect', () => settle(true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      settle(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(error.code ?? ''));
    });
  });
}
