import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

import { isSecretSet, type Config } from '../config/config.ts';
import { isForApi } from '../core/api-url.ts';
import {
  type UsedKey,
  environmentKeyApplies,
  listCandidates,
  lookupOrder,
  usedCandidate,
  type Candidate,
} from '../core/candidates.ts';
import { formatStoreKey, type KeyScope, namedScope } from '../core/key-scope.ts';
import type { SecretStore } from '../core/secret-store.ts';
import { FULL_USE_LOG_BYTES } from '../core/use-log-size.ts';
import { errnoOf, MesaAuthError, type ErrorCode } from '../errors.ts';
import { appendLine } from '../platform/private-file.ts';
import { type Context, beginCommand } from './context.ts';
import { scopeIn, usedScope, type ScopeOptions, type UsedScope } from './used-scope.ts';

export interface ResolvedKey {
  readonly store: SecretStore;
  /** The API that is configured. */
  readonly apiUrl: string;
  readonly scope: KeyScope;
  /** What named the scope. */
  readonly from: UsedScope['from'];
  readonly candidates: readonly Candidate[];
  /** Undefined when the lookup found none. */
  readonly used: UsedKey | undefined;
}

/** Every candidate of the lookup for the scope that the options and the surroundings name. Opens the store. */
export async function resolveCandidates(context: Context, options: ScopeOptions): Promise<ResolvedKey> {
  const named = namedScope(options.org, options.repo);
  // Before anything is written: a repository of no organization is a mistake.
  const early: UsedScope | undefined =
    named !== undefined
      ? { scope: named, from: 'flags' }
      : options.repo === undefined
        ? undefined
        : await usedScope(context, options, await context.loadConfig());
  const environmentKey = await context.environmentKey();
  const { config, store } = await beginCommand(context);
  const { scope, from } = early ?? (await usedScope(context, options, config));
  const candidates = listCandidates(scope, environmentKey, await store.read(lookupOrder(scope)));
  return { store, apiUrl: config.apiUrl, scope, from, candidates, used: usedCandidate(candidates) };
}

/**
 * Where a key goes that is handed out: to an API, which must be the one that it was stored for, sent by us or by a command
 * that is told of both; or no further than to whoever asked for it.
 */
export type Destination = { readonly apiUrl: string } | 'output';

/** The key that a command uses. */
export interface KeyInUse extends Omit<UsedKey, 'verdict'> {
  /** What it is used for. */
  readonly scope: KeyScope;
  /** Where it is stored; undefined for the environment's key. */
  readonly store: SecretStore | undefined;
}

/**
 * The key to use. The environment's key needs no store, so none is opened for it, unless MESA_ORGS is to be registered.
 * @throws KEY_NOT_FOUND
 */
export function resolveKey(
  context: Context,
  options: ScopeOptions,
  destination: Destination,
): Promise<KeyInUse> {
  const { org, repo } = options;
  const known = context.environmentOrg();
  // Where no organization is known yet, the environment's key is for any; a repository needs one all the same.
  const scope: KeyScope =
    namedScope(org, repo) ?? (known === undefined ? { kind: 'global' } : scopeIn(known, repo));
  const isKnown = repo === undefined || scope.kind !== 'global';
  return handOut(
    context,
    scope,
    destination,
    async () =>
      (isKnown ? await environmentKeyFor(context, scope) : undefined) ??
      keyInUse(context, await resolveCandidates(context, options)),
    (key) => Promise.resolve(key),
  );
}

/**
 * As `resolveKey`, for a scope that is known already, with all that is known of the key.
 * @param loaded the configuration, from a command that never starts the wizard
 * @throws KEY_NOT_FOUND
 */
export function resolveKeyOf(
  context: Context,
  scope: KeyScope,
  destination: Destination,
  loaded?: Config,
): Promise<KeyInUse> {
  return useKeyOf(context, scope, destination, (key) => Promise.resolve(key), loaded);
}

/** Says that a key is being used, before it leaves this process. What happens afterwards changes nothing about that. */
export type MarkUsed = () => Promise<void>;

/**
 * As `resolveKeyOf`, for a command that hands out something else than the key, or not every key.
 * @param use makes of the key what is handed out; when it throws, the log has its error instead of a use
 * @throws KEY_NOT_FOUND, and what `use` throws
 */
export function useKeyOf<T>(
  context: Context,
  scope: KeyScope,
  destination: Destination,
  use: (key: KeyInUse, markUsed: MarkUsed) => Promise<T>,
  loaded?: Config,
): Promise<T> {
  const find = async (): Promise<KeyInUse> => {
    const fromEnvironment = await environmentKeyFor(context, scope);
    if (fromEnvironment !== undefined) {
      return fromEnvironment;
    }
    const { store } = await beginCommand(context, loaded);
    const entries = await store.read(lookupOrder(scope));
    const candidates = listCandidates(scope, await context.environmentKey(), entries);
    return keyInUse(context, { store, scope, used: usedCandidate(candidates) });
  };
  return handOut(context, scope, destination, find, use);
}

// In which there was no key to hand out, though nothing is wrong with the store. Of others its directory may be unsafe.
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'KEY_NOT_FOUND',
  'KEY_OF_OTHER_API',
  'LOCKED',
  'WRONG_PASSPHRASE',
]);

/** The one way by which keys leave: that one did, or that there was none to be had, gets into the log. */
async function handOut<T>(
  context: Context,
  scope: KeyScope,
  destination: Destination,
  find: () => Promise<KeyInUse>,
  use: (key: KeyInUse, markUsed: MarkUsed) => Promise<T>,
): Promise<T> {
  let key: KeyInUse | undefined;
  try {
    key = await find();
    if (destination !== 'output' && !isForApi(key, destination.apiUrl)) {
      await (await import('./other-api.ts')).assertForApi(context, key, destination.apiUrl);
    }
  } catch (error) {
    if (error instanceof MesaAuthError && REFUSALS.has(error.code)) {
      await recordUse(context, scope, key?.source ?? null, error.code);
    }
    throw error;
  }
  await mentionExpiry(context, key);
  let isRecorded = false;
  const record = async (outcome: 'used' | ErrorCode): Promise<void> => {
    if (!isRecorded) {
      isRecorded = true;
      await recordUse(context, key.scope, key.source, outcome);
    }
  };
  try {
    const used = await use(key, () => record('used'));
    await record('used');
    return used;
  } catch (error) {
    await record(error instanceof MesaAuthError ? error.code : 'FAILURE');
    throw error;
  }
}

/** The environment's key, where it can be told without the store that it is the one. */
async function environmentKeyFor(
  context: Pick<Context, 'environmentKey' | 'host'>,
  scope: KeyScope,
): Promise<KeyInUse | undefined> {
  const key = await context.environmentKey();
  const needsStore = isSecretSet(context.host.env, 'MESA_ORGS');
  return needsStore || key === undefined || !environmentKeyApplies(key, scope)
    ? undefined
    : {
        scope,
        source: 'MESA_API_KEY',
        token: key.token,
        expires: undefined,
        keyId: undefined,
        api: undefined,
        store: undefined,
      };
}

async function keyInUse(
  context: Pick<Context, 'command' | 'paths' | 'withoutQuestions'>,
  { store, scope, used }: Pick<ResolvedKey, 'store' | 'scope' | 'used'>,
): Promise<KeyInUse> {
  if (used === undefined) {
    throw await (await import('./missing-key.ts')).missingKey(context, store, scope);
  }
  return { ...used, scope, store: used.source === 'MESA_API_KEY' ? undefined : store };
}

/** Tells whoever watches that the key is about to expire. A key that cannot say when it ends costs nothing here. */
async function mentionExpiry(context: Pick<Context, 'host' | 'output'>, key: KeyInUse): Promise<void> {
  const mayEnd = key.expires !== undefined || key.hasUnreadableEnd === true || key.token.mayBeJwt;
  if (mayEnd && context.host.stderr.isTerminal) {
    const { warnOfExpiry } = await import('./key-report.ts');
    warnOfExpiry(context, key);
  }
}

/** Beyond this nothing is added before the log is put aside: where that does not work, it would grow for ever. */
const LARGEST_BYTES = 2 * FULL_USE_LOG_BYTES;

/**
 * Adds the use of a key to the log beside the store: what for, which one, by whom; never its value. Every look-up passes
 * here, so it does nothing but append a line; whatever else is to be done is loaded for it. It never fails: a use that
 * cannot be recorded is told once. Where there is no data directory yet, nothing is recorded.
 * @param source where the key was found; null when there was none
 * @param outcome `used`, or the error for which there was no key to use, or nothing came of it
 */
export async function recordUse(
  context: Pick<Context, 'command' | 'loadConfig' | 'output' | 'paths' | 'user'>,
  scope: KeyScope,
  source: UsedKey['source'] | null,
  outcome: 'used' | ErrorCode,
): Promise<void> {
  if (context.command === undefined || !(await isRecording(context))) {
    return;
  }
  try {
    const { useLog } = context.paths;
    const line = JSON.stringify({
      time: Date.now(),
      action: context.command,
      scope: formatStoreKey(scope),
      source,
      outcome,
      program: programName(context.user),
      pid: context.user,
    });
    const append = (largest: number): number | undefined =>
      appendLine(useLog, `${line}\n`, largest, (message) => context.output.warn(message));
    const size = append(LARGEST_BYTES);
    if (size === undefined || size >= FULL_USE_LOG_BYTES) {
      const { tendFullLog } = await import('./tend-use-log.ts');
      await tendFullLog(context, size === undefined ? append : undefined);
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      const { warnOfLostRecord } = await import('./tend-use-log.ts');
      warnOfLostRecord(context, error);
    }
  }
}

/** A configuration that cannot be read does not say that uses are recorded. */
async function isRecording(context: Pick<Context, 'loadConfig'>): Promise<boolean> {
  try {
    return (await context.loadConfig()).audit;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return false;
  }
}

/** As the kernel has it: proc_pid_comm(5). Null without /proc. */
function programName(pid: number): string | null {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').slice(0, -1);
    // Node 24 calls itself MainThread whatever it runs, Node 26 node-MainThread: a thread's name is the process's.
    return name.endsWith('MainThread') ? basename(readlinkSync(`/proc/${pid}/exe`)) : name;
  } catch {
    return null;
  }
}
