import { lstatSync } from 'node:fs';

import { isSecretSet, type Config } from '../../config/config.ts';
import { escapeText } from '../../core/escape-text.ts';
import { isEncrypted, type Backend } from '../../core/secret-store.ts';
import { examine } from '../../doctor/examine.ts';
import type { Examined, StoreView } from '../../doctor/examined.ts';
import type { Finding } from '../../doctor/finding.ts';
import { MesaAuthError } from '../../errors.ts';
import { withDataLock } from '../../session/config-target.ts';
import type { Context } from '../../session/context.ts';
import { readOrgs } from '../../session/environment-secrets.ts';
import { VERSION } from '../../session/program.ts';
import { JSON_FLAG, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'doctor'],
  description: 'look for what is wrong with stores, configuration and environment; exit with 1 for findings',
  examples: ['mesa auth doctor', 'mesa auth doctor --fix', 'mesa auth doctor --json'],
  flags: [
    {
      long: '--fix',
      description: 'mend what can be mended safely: modes, files left behind, keys in config.toml',
    },
    JSON_FLAG,
  ],
  run: (context, flags) => runDoctor(context, { fix: flags.has('fix'), json: flags.has('json') }),
};

interface DoctorOptions {
  readonly fix: boolean;
  readonly json: boolean;
}

/** Something that was mended. */
interface Cure {
  readonly check: string;
  readonly done: string;
}

/**
 * `mesa auth doctor`: what is wrong, why it matters, and what mends it. It asks nothing, but with
 * `--fix` for the passphrase of a new vault, and without `--fix` changes nothing; MESA_ORGS is looked at and not registered.
 */
async function runDoctor(asking: Context, options: DoctorOptions): Promise<void> {
  const context = asking.withoutQuestions('leave');
  let findings = await examineContext(context, asking);
  let cures: readonly Cure[] = [];
  let failures = 0;
  if (options.fix) {
    ({ cures, failures } = await mend(context, findings));
    // What is still found was not mended, whatever was tried.
    findings = await examineContext(context, asking);
  }
  // What failed may be done all the same, but not surely for good, as when the disk did not confirm it.
  const problems = Math.max(findings.length, failures);
  for (const { done } of options.json ? [] : cures) {
    context.output.note(`mesa: ${done}`);
  }
  if (options.json) {
    context.output.json({
      mended: cures,
      findings: findings.map(({ check, severity, what, why, mend: remedy, fix }) => ({
        check,
        severity,
        what,
        why,
        mend: remedy,
        fixable: fix !== undefined,
      })),
    });
  } else if (findings.length > 0) {
    context.output.data(findings.map(describeFinding).join('\n'));
  }
  if (problems > 0) {
    throw describeOutcome(problems, findings, options.fix);
  }
  if (!options.json) {
    context.output.note('mesa: nothing is wrong');
  }
}

async function examineContext(context: Context, asking: Context): Promise<readonly Finding[]> {
  const { env } = context.host;
  const patient: Examined = {
    env,
    cwd: context.host.cwd(),
    nodeVersion: process.versions.node,
    version: VERSION,
    paths: context.paths,
    now: context.host.now(),
    config: await orError<Config>(() => context.reloadConfig()),
    stores: {
      'encrypted-file': await viewStore(context, asking, 'encrypted-file'),
      'plaintext-file': await viewStore(context, asking, 'plaintext-file'),
    },
    withLock: (work) => withDataLock(context, work),
  };
  return examine(patient, {
    key: () => context.environmentKey(),
    org: () => context.environmentOrg(),
    orgs: () => readOrgs(context.host),
  });
}

async function viewStore(
  context: Pick<Context, 'host' | 'store' | 'wholeStore'>,
  asking: Context,
  backend: Backend,
): Promise<StoreView> {
  const store = await context.store(backend);
  const exists = isThere(store.location);
  const entries = await orError(() => store.read());
  return {
    // As every command that makes a vault, mending may ask for its passphrase.
    store: exists ? store : await asking.store(backend),
    exists,
    canWrite: async () =>
      !isEncrypted(backend) ||
      (!(entries instanceof MesaAuthError) && exists) ||
      isSecretSet(context.host.env, 'MESA_VAULT_PASSPHRASE') ||
      (!exists && (await asking.prompter()) !== undefined),
    entries,
    readText: async () => (await context.wholeStore(backend)).readText(),
    mendText: async (edit) => (await context.wholeStore(backend)).mendText(edit),
    document: async () => {
      if (!exists || entries instanceof MesaAuthError) {
        return undefined;
      }
      const opened = await orError(async () => (await context.wholeStore(backend)).snapshot());
      return opened instanceof MesaAuthError ? undefined : opened.document;
    },
  };
}

/** Whether there is something; what cannot be looked at is taken to be there. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

async function orError<T>(work: () => Promise<T>): Promise<T | MesaAuthError> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return error;
  }
}

/** Mends what can be mended; what fails is said and stays a finding. */
async function mend(
  context: Pick<Context, 'output'>,
  findings: readonly Finding[],
): Promise<{ cures: readonly Cure[]; failures: number }> {
  const cures: Cure[] = [];
  let failures = 0;
  for (const { check, what, fix } of findings) {
    const done = fix === undefined ? [] : await orError(fix);
    if (done instanceof MesaAuthError) {
      failures += 1;
      context.output.warn(`not mended: ${what}: ${done.message}`);
    } else {
      cures.push(...done.map((line) => ({ check, done: line })));
    }
  }
  return { cures, failures };
}

function describeFinding({ severity, what, why, mend: remedy }: Finding): string {
  return `${severity}: ${escapeText(what)}\n  why: ${escapeText(why)}\n  mend: ${escapeText(remedy)}\n`;
}

function describeOutcome(problems: number, findings: readonly Finding[], tried: boolean): MesaAuthError {
  const fixable = tried ? 0 : findings.filter(({ fix }) => fix !== undefined).length;
  const count = problems === 1 ? '1 problem' : `${problems} problems`;
  return new MesaAuthError(
    'FAILURE',
    `${count} ${tried ? 'left' : 'found'}`,
    fixable === 0
      ? {}
      : { hint: `to mend ${fixable === 1 ? 'one' : fixable} of them: mesa auth doctor --fix` },
  );
}
