import { homedir, userInfo } from 'node:os';
import type { Deadlines } from '../../../../src/core/model/config.ts';
import { Fault } from '../../../../src/core/model/fault.ts';
import type { Ask, Question } from '../../../../src/core/model/question.ts';
import { freePermit, openLink } from '../../../../src/core/ssh/open-link.ts';
import type { HostConfig } from '../../../../src/core/ssh/resolve/host-config.ts';
import { resolveRoute } from '../../../../src/core/ssh/route.ts';
import type { ClientFiles } from '../../../fixtures/sshd-client.ts';
import type { Owner } from '../../../fixtures/temp.ts';

/** What came of a login to the host `test`. */
export interface AskedResult {
  /** Null: it is in. */
  readonly fault: Fault | null;
  /** Every question, in order. */
  readonly questions: readonly Question[];
}

const deadlines: Deadlines = { tcp: 5_000, greeting: 5_000, keyExchange: 10_000, auth: 10_000, open: 5_000 };

/** Logs in as a worker would, `over` on top of what ssh_config says; `answer` is the person. */
export async function logInAsked(
  t: Owner,
  { sshConfigFile }: Pick<ClientFiles, 'sshConfigFile'>,
  over: Partial<HostConfig>,
  answer: Ask,
  { auth = deadlines.auth, spare = freePermit.spare } = {},
): Promise<AskedResult> {
  const questions: Question[] = [];
  const { username } = userInfo();
  const route = await resolveRoute('test', { sshConfig: sshConfigFile, home: homedir(), localUser: username, env: {} });
  try {
    const link = await openLink({
      route: route.map((host) => ({ ...host, ...over })),
      keepalive: null,
      deadlines: { ...deadlines, auth },
      quicken: false,
      permit: async () => ({ ...freePermit, spare }),
      env: {},
      ask: (question, signal) => {
        questions.push(question);
        return answer(question, signal);
      },
      onStage: () => undefined,
      onNote: () => undefined,
      signal: new AbortController().signal,
    });
    t.teardown(() => link.close());
    return { fault: null, questions };
  } catch (error) {
    return { fault: Fault.from(error), questions };
  }
}
