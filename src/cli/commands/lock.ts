import { lockAgent } from '../../agent/control.ts';
import type { Context } from '../../session/context.ts';

/** `mesa auth lock`: ends the unlock agent, whatever vault it holds. */
export async function runLock(context: Context): Promise<void> {
  const wasUnlocked = await lockAgent(context.paths);
  context.output.note(wasUnlocked ? 'locked the vault' : 'no vault was unlocked');
}
