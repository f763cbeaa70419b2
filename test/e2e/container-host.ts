import { BACKEND_COMMAND, type SshContainer } from '../fixtures/container.ts';
import type { LaunchHost } from '../fixtures/launch-host.ts';

/** A container as a host where backends are launched; those of all tests of a file share it, each under a name of its own. */
export function containerHost(container: SshContainer): LaunchHost {
  const sh = async (script: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await container.exec(`export HOME=/home/dev; ${script}`, { user: 'dev', args });
    if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr}`);
    return stdout;
  };
  return {
    sshConfigFile: container.sshConfigFile,
    node: 'node',
    backend: BACKEND_COMMAND,
    sh,
    squat: async () => {
      const said = await sh(
        `f=$(mktemp); setsid ${BACKEND_COMMAND} echo >$f 2>&1 & until grep 127.0.0.1: $f; do sleep 0.05; done; echo "pid $!"`,
      );
      const [, port, pid] = /:(\d+)\npid (\d+)/.exec(said) ?? [];
      return { port: Number(port), pid: Number(pid) };
    },
  };
}
