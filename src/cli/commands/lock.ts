import { lockAgent } from '../../agent/control.ts';
import type { Context } from '../../session/context.ts';
import type { CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'lock'],
  description: 'lock the vault that unlock opened',
  examples: ['mesa auth lock'],
  flags: [],
  run: (context) => runLock(context),
};

/** `mesa auth lock`: ends the unlock agent, whatever vault it holds. */
async function runLock(context: Pick<Context, 'output' | 'paths'>): Promise<void> {
  const wasUnlocked = await lockAgent(context.paths);
  context.output.note(wasUnlocked ? 'locked the vault' : 'no vault was unlocked');
}
