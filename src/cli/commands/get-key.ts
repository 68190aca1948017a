import type { Context } from '../../session/context.ts';
import { resolveKey } from '../../session/use-key.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';
import { JSON_FLAG, orgAndRepoFlags, scopeOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'get-key'],
  description: 'print the key that the lookup finds: repository, then organization, then global',
  examples: ['mesa auth get-key --org acme', 'mesa auth get-key --org acme --repo web --explain'],
  flags: [
    ...orgAndRepoFlags(),
    { long: '--explain', description: 'print instead every candidate and why it won or lost, masked' },
    JSON_FLAG,
  ],
  run: (context, flags) =>
    runGetKey(context, { ...scopeOf(flags), explain: flags.has('explain'), json: flags.has('json') }),
};

interface GetKeyOptions extends ScopeOptions {
  readonly explain: boolean;
  readonly json: boolean;
}

/** `mesa auth get-key`: the one command that prints a secret, and nothing else with it. */
async function runGetKey(context: Context, options: GetKeyOptions): Promise<void> {
  if (options.explain || options.json) {
    const { explainKey } = await import('../show/explain-key.ts');
    await explainKey(context, options, options.json);
    return;
  }
  const { token } = await resolveKey(context, options, 'output');
  if (context.host.env['GITHUB_ACTIONS'] === 'true') {
    const { announceToActions } = await import('../show/github-actions.ts');
    announceToActions(context, token);
  }
  context.output.data(`${token.reveal()}\n`);
}
