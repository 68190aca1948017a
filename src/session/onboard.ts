import { existsSync } from 'node:fs';

import { isEncrypted, otherBackend, type Backend, type Replacement } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { parseUnlockTime } from '../core/unlock-time.ts';
import { MesaAuthError } from '../errors.ts';
import { probeMachine } from '../onboarding/probe.ts';
import { runWizard } from '../onboarding/wizard.ts';
import { assertReplaceable } from '../platform/replaceable.ts';
import { vaultLocked } from '../vault/passphrase.ts';
import { canDerive } from '../vault/scrypt.ts';
import { DEFAULT_WORK_FACTOR } from '../vault/vault-codec.ts';
import { assertConfigReplaceable, saveBackend } from './config-target.ts';
import type { Context, OnboardOptions } from './context.ts';
import { alignColumns } from './output.ts';
import { describeOutcomes } from './outcomes.ts';
import { describeReplacement } from './replacement.ts';

/**
 * The wizard: questions, then one write to the store, then the config file, then a summary.
 * @returns the token that was asked for and stored for `wanted`; undefined for none
 */
export function onboard(context: Context, options: OnboardOptions): Promise<Token | undefined> {
  return context.withTerminalHeld(() => runOnboarding(context, options));
}

async function runOnboarding(
  context: Context,
  { configFile, apiUrl, backend, current, wanted }: OnboardOptions,
): Promise<Token | undefined> {
  const prompter = await context.prompter();
  if (prompter === undefined) {
    throw vaultLocked(context.paths.encryptedStore);
  }
  const probe = await probeMachine({
    env: context.host.env,
    dataDir: context.paths.dataDir,
    enoughMemory: canDerive(context.host.workFactor ?? DEFAULT_WORK_FACTOR),
  });
  if (probe.unusable !== undefined) {
    throw probe.unusable;
  }
  assertConfigReplaceable(configFile);
  const passphrases = await context.passphrases();
  passphrases.unlockFor(undefined);
  const answers = await runWizard({
    prompter,
    probe,
    backend,
    current: current ?? context.storeThere,
    apiUrl,
    wanted,
    prepare: async (chosen) => {
      assertReplaceable((await context.store(chosen)).location);
      const isNewVault = isEncrypted(chosen) && !existsSync(context.paths.encryptedStore);
      if (isNewVault) {
        await passphrases.toCreate();
      }
      // Nobody shall type keys for a store that turns out not to open.
      return { isNewVault, present: await (await context.store(chosen)).read() };
    },
  });
  const { unlockTimeout } = answers;
  passphrases.unlockFor(unlockTimeout === undefined ? undefined : parseUnlockTime(unlockTimeout));
  const store = await context.store(answers.backend);
  const keep = await keepReplaced(context);
  const replacements: Replacement[] = [];
  const outcomes = await store.apply(
    answers.changes.map((change) => ({ ...change, keep })),
    (one) => replacements.push(one),
  );
  await saveBackend(context, configFile, answers.backend, unlockTimeout);
  const left = await describeKeysLeft(context, current, answers.backend);
  const org =
    answers.changes.flatMap(({ scope }) => (scope.kind === 'global' ? [] : [scope.org]))[0] ?? 'ORG';
  prompter.say(
    [
      '',
      `Saved in ${configFile}: keys are kept in ${store.backend}.`,
      ...(outcomes.length > 0
        ? [`In ${store.location}: ${describeOutcomes(outcomes)}.`]
        : wanted === undefined
          ? ['No key was added.']
          : []),
      ...replacements.map((one) => `${describeReplacement(one, store.backend, keep)}.`),
      ...left.map((line) => `Note: ${line}.`),
      '',
      'Next:',
      ...alignColumns([
        [`  mesa auth set-key --org ${org}`, 'store or replace a key'],
        ['  mesa auth list', 'what is stored, masked'],
        [`  mesa auth get-key --org ${org}`, 'the key to use'],
        ...(left.length === 0
          ? []
          : [[`  mesa auth migrate --to ${answers.backend} --merge`, 'move those keys, too']]),
        ...(unlockTimeout === undefined ? [] : [['  mesa auth lock', 'ask for the passphrase again']]),
      ]),
      '',
    ].join('\n'),
  );
  const [change] = wanted === undefined ? [] : answers.changes;
  return change?.token;
}

/** As the configuration says, as far as it does: init can mend one that does not. */
async function keepReplaced(context: Pick<Context, 'loadConfig'>): Promise<number | undefined> {
  try {
    return (await context.loadConfig()).keepReplaced;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return undefined;
  }
}

/**
 * A change of the backend moves no keys.
 * @param former undefined when the configuration named none: then the other one may have been used all the same
 */
export async function describeKeysLeft(
  context: Pick<Context, 'store'>,
  former: Backend | undefined,
  chosen: Backend,
): Promise<readonly string[]> {
  if (former === chosen) {
    return [];
  }
  const { location } = await context.store(otherBackend(chosen));
  return existsSync(location) ? [`the keys in ${location} stay there; ${chosen} does not use them`] : [];
}
