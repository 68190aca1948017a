import { MesaAuthError } from '../../errors.ts';
import type { Context } from '../../session/context.ts';

export interface Consent {
  /** Whether `--yes` was given. */
  readonly yes: boolean;
  /** What is refused without it, as in `<refused> is asked first, and there is nobody to ask`. */
  readonly refused: string;
  /** The command line that does it without a question. */
  readonly hint: string;
}

/**
 * Nobody shall wait for a question that nobody can answer.
 * @throws USAGE without `--yes` when there is nobody to ask; `-y` takes the default, which is no
 */
export async function assertConsentPossible(
  context: Pick<Context, 'globals' | 'host' | 'prompter'>,
  { yes, refused, hint }: Consent,
): Promise<void> {
  if (!yes && (await context.prompter()) === undefined) {
    const why =
      context.globals.nonInteractive && context.host.stderr.isTerminal
        ? '-y never asks and takes the default, which is no; --yes says yes'
        : 'there is nobody to ask';
    throw new MesaAuthError('USAGE', `${refused} needs to be confirmed, and ${why}`, { hint });
  }
}

/** Whether it may be done: by `--yes`, or by an answer. @throws as assertConsentPossible, INTERRUPTED */
export async function hasConsent(
  context: Pick<Context, 'globals' | 'host' | 'prompter'>,
  consent: Consent,
  question: string,
): Promise<boolean> {
  await assertConsentPossible(context, consent);
  const prompter = await context.prompter();
  return consent.yes || prompter === undefined ? consent.yes : prompter.confirm(question, false);
}
