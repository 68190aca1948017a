import type { Token } from '../../core/token.ts';
import type { Context } from '../../session/context.ts';

/**
 * In a GitHub Actions job: tells the runner to hide a token in all that comes after. The runner reads its commands from
 * either stream of a step, and on this one they are never taken for data.
 * https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
 */
export function announceToActions({ host, output }: Pick<Context, 'host' | 'output'>, token: Token): void {
  if (host.env['GITHUB_ACTIONS'] === 'true') {
    // A percent sign begins an escape there.
    output.note(`::add-mask::${token.reveal().replaceAll('%', '%25')}`);
  }
}
