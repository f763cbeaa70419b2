import type { Recipe } from '../../plugin.ts';

/** Vite's development server: no token; its own one for hot reloading is inside the page. */
export const vite: Recipe = {
  name: 'vite',
  title: "Vite's development server",
  // On "localhost" it may listen on ::1 alone; without strictPort it takes the next port where its own is taken.
  command: 'npx vite --host 127.0.0.1 --port {port} --strictPort',
  port: 5173,
  prints: 'Local:\\s+https?://[^\\s/:]+:(\\d+)/',
  token: { from: 'nowhere' },
  door: null,
  page: '/',
  scheme: 'http',
  attach: null,
  notes: [
    'It runs in the folder of the project.',
    'Hot reloading comes through the same port; a host name other than localhost needs server.allowedHosts in its config.',
  ],
};
