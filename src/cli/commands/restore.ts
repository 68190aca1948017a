import { shellWord } from '../../core/escape-text.ts';
import { MesaAuthError } from '../../errors.ts';
import { readNamedFile } from '../../platform/read-file.ts';
import { assertNoMount } from '../../platform/replaceable.ts';
import { type Context, peekConfig, beginCommand } from '../../session/context.ts';
import { compareDocuments, mergeDocuments } from '../../stores/compare-documents.ts';
import { sameDocument, EMPTY_DOCUMENT, type StoreDocument } from '../../stores/document.ts';
import { snapshotOfNew, replaceDocument } from '../../stores/store-snapshot.ts';
import { DRY_RUN_FLAG, PLAN_JSON_FLAG } from '../command-line/shared-flags.ts';
import type { CommandSpec } from '../command-line/spec.ts';
import { assertConsentPossible, hasConsent, type Consent } from '../whole-store/consent.ts';
import {
  changesUnknown,
  describePlan,
  planJson,
  planRows,
  type PlannedChange,
} from '../whole-store/document-plan.ts';
import { isSamePlace, parseFileArgument } from '../whole-store/file-argument.ts';
import { openBackup } from '../whole-store/open-backup.ts';

export const command: CommandSpec = {
  path: ['auth', 'restore'],
  description: 'bring the keys of a backup into the store',
  examples: [
    'mesa auth restore keys.age --dry-run',
    'mesa auth restore keys.age',
    'mesa auth restore keys.age --exact --yes',
  ],
  flags: [
    { long: '--exact', description: 'also remove the keys that the backup does not have' },
    DRY_RUN_FLAG,
    { long: '--yes', description: 'do it without being asked (-y is another flag: it takes the answer no)' },
    PLAN_JSON_FLAG,
  ],
  argument: {
    name: 'file',
    description: 'a backup: an age file, or a plaintext document',
    values: 'files',
    required: true,
  },
  run: (context, flags, file) =>
    runRestore(context, {
      file,
      exact: flags.has('exact'),
      dryRun: flags.has('dry-run'),
      yes: flags.has('yes'),
      json: flags.has('json'),
    }),
};

interface RestoreOptions {
  /** As given. */
  readonly file: string | undefined;
  readonly exact: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const HEADING = ['SCOPE', 'NOW', 'BACKUP', 'CHANGE'];

/** `mesa auth restore FILE`: brings the keys of a backup into the configured store. */
async function runRestore(context: Context, options: RestoreOptions): Promise<void> {
  const path = parseFileArgument(context, options.file, 'mesa auth restore FILE');
  const commandLine = `mesa auth restore ${shellWord(path)}${options.exact ? ' --exact' : ''}`;
  if (options.json && !options.dryRun) {
    throw new MesaAuthError('USAGE', '--json goes with --dry-run', {
      hint: `${commandLine} --dry-run --json`,
    });
  }
  const bytes = readNamedFile(path);
  const consent: Consent = { yes: options.yes, refused: 'a restore', hint: `${commandLine} --yes` };
  if (!options.dryRun) {
    await assertConsentPossible(context, consent);
  }
  const config = options.dryRun ? await peekConfig(context) : (await beginCommand(context)).config;
  const store = await context.wholeStore(config.backend);
  if (isSamePlace(path, store.location)) {
    throw new MesaAuthError('USAGE', `${path} is the store itself`, { hint: 'name a backup of it' });
  }
  if (!options.dryRun) {
    assertNoMount(store.location);
  }
  const backup = await openBackup(context, path, bytes);
  const opened = store.readBytes() === undefined ? undefined : await store.snapshot();
  const present = opened?.document ?? EMPTY_DOCUMENT;
  const keeping = { now: context.host.now(), keep: config.keepReplaced };
  const next = options.exact ? backup : mergeDocuments(present, backup, 'incoming', keeping);
  const plan = planRestore(present, backup, options.exact);

  if (options.dryRun) {
    printPlan(context, { plan, present, next, path, backend: store.backend, json: options.json });
    return;
  }
  if (sameDocument(present, next)) {
    context.output.note(`${store.backend} has all of ${path} already; nothing was changed`);
    return;
  }
  if (!options.yes) {
    context.output.noteTable(HEADING, planRows(plan));
    noteUnknown(context, present, next);
  }
  if (!(await hasConsent(context, consent, `Restore this into ${store.backend}?`))) {
    context.output.note('nothing was changed');
    return;
  }
  if (opened === undefined) {
    // An agent is for a vault that is there.
    (await context.passphrases()).unlockFor(undefined);
  }
  await replaceDocument(opened ?? (await snapshotOfNew(store)), next);
  context.output.note(`restored ${path} into ${store.backend}: ${describePlan(plan)}`);
}

function planRestore(
  present: StoreDocument,
  backup: StoreDocument,
  exact: boolean,
): readonly PlannedChange[] {
  const changes = {
    added: 'add',
    conflict: 'replace',
    details: 'update',
    same: 'same',
    missing: exact ? 'remove' : 'keep',
  } as const;
  return compareDocuments(present, backup).map((row) => ({ ...row, change: changes[row.kind] }));
}

interface DryRun {
  readonly plan: readonly PlannedChange[];
  readonly present: StoreDocument;
  readonly next: StoreDocument;
  readonly path: string;
  readonly backend: string;
  readonly json: boolean;
}

function printPlan(
  context: Pick<Context, 'output'>,
  { plan, present, next, path, backend, json }: DryRun,
): void {
  if (json) {
    context.output.json({
      file: path,
      backend,
      keys: planJson(plan),
      changes_unknown_fields: changesUnknown(present, next),
    });
    return;
  }
  if (plan.length > 0) {
    context.output.table(HEADING, planRows(plan));
  }
  noteUnknown(context, present, next);
  context.output.note(
    sameDocument(present, next)
      ? `${backend} has all of ${path} already`
      : `this would be restored into ${backend}; nothing was changed`,
  );
}

function noteUnknown(context: Pick<Context, 'output'>, present: StoreDocument, next: StoreDocument): void {
  if (changesUnknown(present, next)) {
    context.output.note('fields or entries that this mesa does not know change, too');
  }
}
