import type { AgentProcess } from '../agent/start.ts';
import type { SecretVariable } from '../config/config.ts';
import { dropLineEnd } from '../core/incoming-key.ts';
import { MesaAuthError } from '../errors.ts';
import type { Prompter } from '../platform/prompter.ts';
import {
  describePassphraseProblem,
  vaultLocked,
  type Passphrase,
  type Passphrases,
} from '../vault/passphrase.ts';
import type { Context } from './context.ts';
import { AGENT_COMMAND } from './program.ts';
import { readSecret, type Secret } from './secret-variable.ts';

/** Where a script puts a passphrase; with `_FILE` behind it, where one puts its file. */
type PassphraseVariable = Extract<SecretVariable, `${string}PASSPHRASE`>;

/** The environment, else a question on the terminal. A passphrase that was just made is not asked for again. */
export function openPassphrases(
  context: Pick<
    Context,
    'host' | 'interaction' | 'loadConfig' | 'output' | 'paths' | 'prompter' | 'releaseTerminal'
  >,
): Passphrases {
  let suggested: string | undefined;
  let created: Passphrase | undefined;
  let agent: AgentProcess | undefined;
  let unlockTimeout = async (): Promise<number | undefined> => (await context.loadConfig()).unlockTimeout;
  const locked = (): MesaAuthError => vaultLocked(context.paths.encryptedStore);

  return {
    suggest(text) {
      suggested = text;
    },
    unlockFor(milliseconds) {
      unlockTimeout = () => Promise.resolve(milliseconds);
    },
    async takeTurn() {
      if (
        created !== undefined ||
        suggested !== undefined ||
        passphraseFrom(context, 'MESA_VAULT_PASSPHRASE') !== undefined
      ) {
        return false;
      }
      const prompter = await context.prompter();
      await prompter?.takeTurn();
      return prompter !== undefined;
    },
    giveUp: () => context.releaseTerminal(),
    async toOpen(attempt) {
      const given = passphraseFrom(context, 'MESA_VAULT_PASSPHRASE');
      if (given !== undefined) {
        return { text: given, typed: false, mayCreate: true };
      }
      if (created !== undefined && attempt === 1) {
        // Another process may have made the vault meanwhile.
        return created;
      }
      if (suggested !== undefined) {
        const text = suggested;
        suggested = undefined;
        return { text, typed: true, mayCreate: false, guessed: true };
      }
      const text = await askOnTerminal(
        context,
        askPassphrase('Vault passphrase:', attempt, 'opening the vault'),
        locked,
      );
      if ((await unlockTimeout()) !== undefined) {
        // It starts while the vault is opened. When it is never told the passphrase, it ends with this process.
        agent ??= (await import('../agent/start.ts')).spawnAgent([context.host.script, AGENT_COMMAND]);
      }
      return { text, typed: true, mayCreate: false };
    },
    async toCreate() {
      const given = newPassphraseFrom(context, 'MESA_VAULT_PASSPHRASE');
      if (given !== undefined) {
        return { text: given, typed: false, mayCreate: true };
      }
      if (created === undefined) {
        const text = await askNewPassphrase(context, 'Passphrase for the new vault', locked);
        created = { text, typed: true, mayCreate: true };
      }
      return created;
    },
    async accepted({ text, typed }) {
      if (!typed) {
        return;
      }
      (await context.prompter())?.settle(true);
      const idleMs = await unlockTimeout();
      if (idleMs !== undefined) {
        const { keepUnlocked } = await import('./unlock-agent.ts');
        await keepUnlocked(context, { passphrase: text, idleMs, agent });
      }
      // Only now: whoever waits for the turn finds the agent.
      await context.releaseTerminal();
    },
  };
}

/**
 * A passphrase of the environment, as it came: what opens a vault is tried in more than one form of it. Undefined when the
 * variable and that of its file are unset or empty.
 * @throws INVALID_PASSPHRASE when it is not UTF-8, too long, or a file is empty; and as readSecret
 */
export function passphraseFrom(
  { host }: Pick<Context, 'host'>,
  variable: PassphraseVariable,
): string | undefined {
  return acceptable(readSecret(host, variable))?.text;
}

/** As passphraseFrom, for a passphrase that will protect a new file: a weak one is warned about, a blank one refused. */
export function newPassphraseFrom(
  { host, output }: Pick<Context, 'host' | 'output'>,
  variable: PassphraseVariable,
): string | undefined {
  const secret = acceptable(readSecret(host, variable));
  if (secret === undefined) {
    return undefined;
  }
  if (secret.text.trim() === '') {
    throw invalid(secret, 'is blank; it protects no vault');
  }
  const problem = describePassphraseProblem(secret.text);
  if (problem !== undefined) {
    output.warn(`${secret.variable} is weak: ${problem}`);
  }
  return secret.text;
}

const MAX_PASSPHRASE_BYTES = 65_536;

function acceptable(secret: Secret | undefined): Secret | undefined {
  if (secret === undefined) {
    return undefined;
  }
  // Decoders put U+FFFD for bytes that are no UTF-8: then many passphrases would be the same one.
  if (secret.text.includes('\ufffd')) {
    throw invalid(secret, 'is not UTF-8 text', 'set it to a passphrase in UTF-8');
  }
  const text = dropLineEnd(secret.text);
  if (text === '') {
    throw invalid(secret, 'holds an empty passphrase');
  }
  if (Buffer.byteLength(text) > MAX_PASSPHRASE_BYTES) {
    throw invalid(secret, `is longer than ${MAX_PASSPHRASE_BYTES} bytes`);
  }
  return secret;
}

function invalid(
  { variable }: Secret,
  problem: string,
  hint = 'set it to a passphrase, or unset it',
): MesaAuthError {
  return new MesaAuthError('INVALID_PASSPHRASE', `${variable} ${problem}`, { hint });
}

/** @throws what `nobody` gives when there is nobody to ask, INTERRUPTED */
export async function askOnTerminal(
  context: Pick<Context, 'prompter'>,
  question: (prompter: Prompter) => Promise<string>,
  nobody: () => MesaAuthError,
): Promise<string> {
  const prompter = await context.prompter();
  if (prompter === undefined) {
    throw nobody();
  }
  return question(prompter);
}

/**
 * A new passphrase, typed twice or generated.
 * @param purpose as in `Passphrase for the new vault`
 * @throws what `nobody` gives when there is nobody to ask, INTERRUPTED
 */
export async function askNewPassphrase(
  context: Pick<Context, 'interaction' | 'prompter'>,
  purpose: string,
  nobody: () => MesaAuthError,
): Promise<string> {
  const { interaction } = context;
  const prompter = await context.prompter();
  if (prompter === undefined || interaction === undefined) {
    throw nobody();
  }
  return interaction.askNewPassphrase(prompter, purpose);
}

/**
 * @param attempt from 1; above 1 the answer before was wrong
 * @param checking what is done with it until it is accepted
 */
export function askPassphrase(
  message: string,
  attempt: number,
  checking: string,
): (prompter: Prompter) => Promise<string> {
  return (prompter) =>
    prompter.secret({
      checking,
      message: attempt === 1 ? message : `Incorrect passphrase. ${message}`,
      check: (answer) => (answer === '' ? 'type the passphrase, or press Ctrl-C to stop' : undefined),
    });
}
