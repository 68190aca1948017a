import { probeAgent, type AgentProbe } from '../agent/control.ts';
import type { Examined } from './examined.ts';
import { errorOf, findingFrom, type Finding } from './finding.ts';

const WHY = 'it is not used, so that the passphrase is asked for again';

/** An unlock agent that is of no use: of another version, hung, or not surely ours. */
export async function checkAgent({
  paths,
  version,
}: Pick<Examined, 'paths' | 'version'>): Promise<readonly Finding[]> {
  let probe: AgentProbe = 'none';
  const error = await errorOf(async () => {
    probe = await probeAgent(paths);
  });
  if (error !== undefined) {
    return [findingFrom('agent', error, WHY)];
  }
  const what = describeProblem(probe, version);
  return what === undefined
    ? []
    : [
        {
          check: 'agent',
          severity: 'warning',
          what,
          why: WHY,
          mend: 'mesa auth lock && mesa auth unlock',
        },
      ];
}

function describeProblem(probe: AgentProbe, version: string): string | undefined {
  switch (probe) {
    case 'none':
    // Nobody listens at what an agent left behind: the next command tidies up.
    case 'dead':
      return undefined;
    case 'other-version':
      return `the unlock agent is of another version of mesa than this one, ${version}`;
    case 'silent':
    case 'broken':
      return 'the unlock agent does not answer';
    default:
      return probe.version === version
        ? undefined
        : `the unlock agent is of mesa ${probe.version}, and this is ${version}`;
  }
}
