import { lockAgent } from '../../agent/control.ts';
import { readConfigText } from '../../config/config-file.ts';
import { writeBackend } from '../../config/write-config.ts';
import { BACKENDS, isEncrypted, otherBackend, type Backend } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import { assertReplaceable } from '../../platform/replaceable.ts';
import { assertConfigReplaceable, chooseConfigFile, saveBackend } from '../../session/config-target.ts';
import { type Context, peekConfig, beginCommand } from '../../session/context.ts';
import type { StoreSnapshot, WholeStore } from '../../stores/document-store.ts';
import { sameDocument, EMPTY_DOCUMENT, type StoreDocument } from '../../stores/document.ts';
import { moveDocument } from '../../stores/move-document.ts';
import { snapshotOfNew } from '../../stores/store-snapshot.ts';
import { DRY_RUN_FLAG, PLAN_JSON_FLAG, parseBackend } from '../command-line/shared-flags.ts';
import { valueOf, type CommandSpec } from '../command-line/spec.ts';
import { assertConsentPossible, hasConsent, type Consent } from '../whole-store/consent.ts';
import { planJson, planRows, type PlannedChange } from '../whole-store/document-plan.ts';
import { planMigration, type MigrationPlan } from '../whole-store/migration-plan.ts';

export const command: CommandSpec = {
  path: ['auth', 'migrate'],
  description: 'move every key to the other backend, and use that from now on',
  examples: [
    'mesa auth migrate --to encrypted-file --dry-run',
    'mesa auth migrate --to encrypted-file',
    'mesa auth migrate --to plaintext-file --yes',
    'mesa auth migrate --to encrypted-file --merge --prefer source',
  ],
  flags: [
    { long: '--to', value: 'backend', values: BACKENDS, description: BACKENDS.join(' or ') },
    { long: '--merge', description: 'go on when the target holds keys already, and keep them' },
    {
      long: '--prefer',
      value: 'store',
      values: ['source', 'target'],
      description: 'with --merge: source or target, whose key counts where they differ',
    },
    { long: '--keep-source', description: 'do not remove the store that the keys come from' },
    DRY_RUN_FLAG,
    {
      long: '--yes',
      description: 'keep keys unencrypted without being asked (-y is another flag: it takes the answer no)',
    },
    PLAN_JSON_FLAG,
  ],
  run: (context, flags) =>
    runMigrate(context, {
      to: valueOf(flags, 'to'),
      merge: flags.has('merge'),
      prefer: valueOf(flags, 'prefer'),
      keepSource: flags.has('keep-source'),
      dryRun: flags.has('dry-run'),
      yes: flags.has('yes'),
      json: flags.has('json'),
    }),
};

interface MigrateOptions {
  /** `--to`, as given. */
  readonly to: string | undefined;
  readonly merge: boolean;
  /** `--prefer`, as given. */
  readonly prefer: string | undefined;
  readonly keepSource: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const HEADING = ['SCOPE', 'IN TARGET', 'IN SOURCE', 'CHANGE'];

interface Stores {
  readonly source: WholeStore;
  readonly target: WholeStore;
  readonly configFile: string;
  /** Whether the configuration names the target already. */
  readonly targetInForce: boolean;
}

/** `mesa auth migrate --to BACKEND`: moves every key to the other backend, and makes that the one in force. */
async function runMigrate(context: Context, options: MigrateOptions): Promise<void> {
  const to = parseTo(options.to);
  const prefer = parsePrefer(options, to);
  if (options.json && !options.dryRun) {
    throw new MesaAuthError('USAGE', '--json goes with --dry-run', {
      hint: `mesa auth migrate --to ${to} --dry-run --json`,
    });
  }
  const config = options.dryRun ? await peekConfig(context) : (await beginCommand(context)).config;
  const stores: Stores = {
    source: await context.wholeStore(otherBackend(to)),
    target: await context.wholeStore(to),
    configFile: chooseConfigFile(context),
    targetInForce: config.backend === to,
  };
  const consent: Consent = {
    yes: options.yes || options.dryRun || isEncrypted(to),
    refused: 'keeping keys unencrypted',
    hint: `mesa auth migrate --to ${to}${options.merge ? ' --merge' : ''} --yes`,
  };
  if (stores.source.readBytes() === undefined) {
    await switchOver(context, stores, consent, options);
    return;
  }
  if (!options.dryRun) {
    assertWritable(stores, options);
  }
  await assertConsentPossible(context, consent);
  // An agent is for a vault that was there and stays.
  (await context.passphrases()).unlockFor(undefined);
  const source = await stores.source.snapshot();
  if (stores.targetInForce && sameDocument(source.document, EMPTY_DOCUMENT)) {
    await switchOver(context, stores, consent, options);
    return;
  }
  const opened = stores.target.readBytes() === undefined ? undefined : await stores.target.snapshot();
  const planFor = (from: StoreDocument, present: StoreDocument): MigrationPlan =>
    planMigration({
      target: present,
      source: from,
      to,
      targetInForce: stores.targetInForce,
      merge: options.merge,
      prefer,
      keeping: { now: context.host.now(), keep: config.keepReplaced },
    });
  const { changes, refusal } = planFor(source.document, opened?.document ?? EMPTY_DOCUMENT);
  if (options.dryRun) {
    printPlan(context, stores, changes, options);
  }
  if (refusal !== undefined) {
    if (!options.dryRun) {
      context.output.noteTable(HEADING, planRows(changes));
    }
    throw refusal;
  }
  if (options.dryRun || !(await isAllowed(context, consent, stores, changes))) {
    context.output.note('nothing was changed');
    return;
  }
  const target = opened ?? (await snapshotOfNew(stores.target));
  const configBefore = readConfigText(stores.configFile);
  const moved = await moveDocument({
    source,
    target,
    plan: (from, present) => {
      const plan = planFor(from, present);
      if (plan.refusal !== undefined) {
        throw plan.refusal;
      }
      return plan.document;
    },
    isSourceInForce: () => !stores.targetInForce && readConfigText(stores.configFile) === configBefore,
    switchOver: () => {
      if (!stores.targetInForce) {
        writeBackend(stores.configFile, to);
      }
    },
    keepSource: options.keepSource,
  });
  if (!options.keepSource) {
    await lockAgent(context.paths);
  }
  reportMove(context, stores, moved, options.keepSource);
}

/** Proves that all can be written that a move writes, before anything is. @throws IO, naming the file */
function assertWritable(
  { source, target, configFile, targetInForce }: Stores,
  { keepSource }: MigrateOptions,
): void {
  if (!targetInForce) {
    assertConfigReplaceable(configFile);
  }
  assertReplaceable(target.location);
  if (!keepSource) {
    assertReplaceable(source.location);
  }
}

/** There are no keys to move, so the configuration is all there is to change. */
async function switchOver(
  context: Context,
  { target, source, configFile, targetInForce }: Stores,
  consent: Consent,
  options: MigrateOptions,
): Promise<void> {
  if (options.json) {
    context.output.json(describe({ target, source, configFile, targetInForce }, [], options));
    return;
  }
  if (targetInForce) {
    context.output.note(
      `keys are kept in ${target.backend} already, and there are none in ${source.backend}`,
    );
    return;
  }
  if (options.dryRun) {
    context.output.note(
      `there are no keys to move; ${configFile} would say ${target.backend}; nothing was changed`,
    );
    return;
  }
  assertConfigReplaceable(configFile);
  if (await hasConsent(context, consent, `Keep keys unencrypted from now on, in ${target.location}?`)) {
    await saveBackend(context, configFile, target.backend);
    context.output.note(
      `saved in ${configFile}: keys are kept in ${target.backend}; there were none to move`,
    );
  } else {
    context.output.note('nothing was changed');
  }
}

function isAllowed(
  context: Pick<Context, 'globals' | 'host' | 'prompter'>,
  consent: Consent,
  { target }: Stores,
  changes: readonly PlannedChange[],
): Promise<boolean> {
  const keys = changes.length === 1 ? 'one key' : `${changes.length} keys`;
  return hasConsent(
    context,
    consent,
    `Keep ${keys} unencrypted in ${target.location}, readable by whoever reads your files?`,
  );
}

function reportMove(
  context: Pick<Context, 'output'>,
  { target, source, configFile, targetInForce }: Stores,
  { document: { entries } }: StoreSnapshot,
  keepSource: boolean,
): void {
  const { output } = context;
  const keys = entries.size === 1 ? '1 key' : `${entries.size} keys`;
  output.note(`${keepSource ? 'copied' : 'moved'} ${keys} from ${source.backend} to ${target.backend}`);
  if (!targetInForce) {
    output.note(`saved in ${configFile}: keys are kept in ${target.backend}`);
  }
  if (keepSource) {
    output.note(`${source.location} stays, and is not used any more`);
  } else if (!isEncrypted(source.backend)) {
    output.warn(
      `${source.location} was removed, but a disk may keep what was deleted; where that matters, replace the keys`,
    );
  }
}

function printPlan(
  context: Context,
  stores: Stores,
  changes: readonly PlannedChange[],
  options: MigrateOptions,
): void {
  if (options.json) {
    context.output.json(describe(stores, changes, options));
    return;
  }
  const { target, source, configFile, targetInForce } = stores;
  context.output.table(HEADING, planRows(changes));
  const steps = [
    `${target.location} would hold these keys`,
    ...(targetInForce ? [] : [`${configFile} would say ${target.backend}`]),
    `${source.location} would ${options.keepSource ? 'stay' : 'be removed'}`,
  ];
  context.output.note(steps.join('; '));
}

function describe(
  { target, source, configFile, targetInForce }: Stores,
  changes: readonly PlannedChange[],
  { keepSource }: MigrateOptions,
): Record<string, unknown> {
  return {
    from: source.backend,
    to: target.backend,
    config_file: targetInForce ? null : configFile,
    removed_file: keepSource || changes.length === 0 ? null : source.location,
    keys: planJson(changes),
  };
}

function parseTo(to: string | undefined): Backend {
  if (to === undefined) {
    throw new MesaAuthError('USAGE', 'migrate needs to know where to', {
      hint: 'mesa auth migrate --to encrypted-file',
    });
  }
  return parseBackend(to);
}

function parsePrefer({ prefer, merge }: MigrateOptions, to: Backend): 'source' | 'target' | undefined {
  const hint = { hint: `mesa auth migrate --to ${to} --merge --prefer source` };
  if (prefer !== undefined && prefer !== 'source' && prefer !== 'target') {
    throw new MesaAuthError('USAGE', '--prefer takes source or target', hint);
  }
  if (prefer !== undefined && !merge) {
    throw new MesaAuthError('USAGE', '--prefer goes with --merge', hint);
  }
  return prefer;
}
