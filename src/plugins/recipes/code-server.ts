import type { Recipe } from '../../plugin.ts';

/** code-server: VS Code in a browser. Its password is typed into a page and stands in its config.yaml, so no request can prove it. */
export const codeServer: Recipe = {
  name: 'code-server',
  title: 'code-server, VS Code in the browser',
  command: 'code-server --bind-addr 127.0.0.1:{port} --auth password --disable-telemetry',
  port: 8080,
  prints: 'https?://[^\\s/:]+:(\\d+)/?',
  token: { from: 'environment', name: 'PASSWORD' },
  door: null,
  page: '/',
  scheme: 'http',
  attach: { from: 'file', path: '~/.config/code-server/config.yaml', pattern: '^password: (\\S+)' },
  notes: [
    'No request can show its password, which a page takes and a cookie stands for: that the listener is its own process is all that is proved.',
    'Its page asks for the password: `towline token RELAY --copy` puts it on the clipboard.',
    'It refuses a WebSocket whose Origin is another than the host in its address: open it by the address of `towline url`.',
  ],
};
