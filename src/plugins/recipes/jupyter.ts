import type { Recipe } from '../../plugin.ts';

/** Jupyter Server, with Lab and Notebook on top of it. `/` answers everyone, `/api/status` only those with the token. */
export const jupyter: Recipe = {
  name: 'jupyter',
  title: 'Jupyter Server, Lab or Notebook',
  // Without port_retries=0 it takes the next port where its own is taken.
  command: 'jupyter server --no-browser --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0',
  port: 8888,
  prints: 'https?://[^\\s/:]+:(\\d+)/',
  token: { from: 'environment', name: 'JUPYTER_TOKEN', pattern: '[?&]token=([\\w.%-]+)' },
  door: { wire: { in: 'query', name: 'token' }, kind: 'http', path: '/api/status' },
  page: '/',
  scheme: 'http',
  attach: { from: 'command', command: 'jupyter server list --json', json: 'token' },
  notes: [
    'For Lab write `jupyter lab` in its command instead of `jupyter server`.',
    'root needs --allow-root in the command.',
  ],
};
