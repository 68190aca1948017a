import type { Context } from '../../session/context.ts';
import { resolveKey } from '../../session/use-key.ts';
import type { ScopeOptions } from '../../session/scope-options.ts';

export interface GetKeyOptions extends ScopeOptions {
  readonly explain: boolean;
  readonly json: boolean;
}

/** `mesa auth get-key`: the one command that prints a secret, and nothing else with it. */
export async function runGetKey(context: Context, options: GetKeyOptions): Promise<void> {
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
