import { listCandidates, usedCandidate, type Candidate, type UsedKey } from '../../core/candidates.ts';
import { parseDuration } from '../../core/duration.ts';
import { describeDistance, describeExpiry, expiresWithin } from '../../core/key-expiry.ts';
import { formatStoreKey, namedScope, scopeFlags, type KeyScope } from '../../core/key-scope.ts';
import type { KeyEntry, SecretStore } from '../../core/secret-store.ts';
import { shownNames, shownValue } from '../../core/shown-text.ts';
import { describeToken } from '../../core/token-kind.ts';
import type { Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import { probeLock } from '../../platform/probe-lock.ts';
import type { Context } from '../../session/context.ts';
import {
  candidateJson,
  entryJson,
  expiryOf,
  factsJson,
  kindName,
  renewCommand,
  UNREADABLE_END,
} from '../../session/key-report.ts';
import { missingKey } from '../../session/missing-key.ts';
import { alignColumns } from '../../session/output.ts';
import { usedScope, type ScopeOptions, type UsedScope } from '../../session/used-scope.ts';
import { askAboutKeys, assertAccepted, describeChecks, type OnlineStatus } from '../api/online-status.ts';
import { JSON_FLAG, orgAndRepoFlags, scopeOf, valueOf, type CommandSpec } from '../command-line/spec.ts';
import { describeVariable, variablesInForce, type Variable } from '../show/variables-in-force.ts';
import { describeState, storeStatus, type StoreState } from '../whole-store/store-status.ts';

export const command: CommandSpec = {
  path: ['auth', 'status'],
  description:
    'show the store, its keys with their expiry and whether the server accepts them, and the key that is used here',
  examples: [
    'mesa auth status',
    'mesa auth status --offline                     # asks no server',
    'mesa auth status --org acme --fail-within 7d   # exits with 9 in its last week',
  ],
  flags: [
    ...orgAndRepoFlags(),
    {
      long: '--fail-within',
      value: 'time',
      description: 'exit with 9 when the key used here ends within this time, or has ended: 0s, 12h, 7d, 2w',
    },
    { long: '--offline', description: 'do not ask the server about keys' },
    JSON_FLAG,
  ],
  run: (context, flags) =>
    runStatus(context, {
      ...scopeOf(flags),
      failWithin: valueOf(flags, 'fail-within'),
      offline: flags.has('offline'),
      json: flags.has('json'),
    }),
};

interface StatusOptions extends ScopeOptions {
  /** `--fail-within`, as given. */
  readonly failWithin: string | undefined;
  /** Whether the server is left alone. */
  readonly offline: boolean;
  readonly json: boolean;
}

interface Status {
  readonly store: SecretStore;
  readonly state: StoreState;
  readonly configFile: string | undefined;
  readonly log: { readonly recording: boolean; readonly location: string };
  readonly variables: readonly Variable[];
  readonly requested: UsedScope;
  /** Undefined when they are not known: they are in a store that could not be read. */
  readonly candidates: readonly Candidate[] | undefined;
  readonly used: UsedKey | undefined;
  /** What the server says of the keys; undefined when it was not to be asked. */
  readonly online: OnlineStatus | undefined;
  readonly now: Date;
}

/**
 * `mesa auth status`: what mesa would do here and with which key, and which keys the server accepts. It asks no person
 * anything and works on a locked vault. A key that the server refuses is a failure, and so is a server that does not
 * answer; when a key ends is none but with `--fail-within`, of the key that the lookup would use here.
 */
async function runStatus(asking: Pick<Context, 'withoutQuestions'>, options: StatusOptions): Promise<void> {
  const within = parseThreshold(
    options.failWithin,
    namedScope(options.org, options.repo) ?? { kind: 'global' },
  );
  const context = asking.withoutQuestions();
  const status = await examine(context, options);
  if (options.json) {
    context.output.json(statusJson(status));
  } else {
    context.output.data(`${describeStatus(status).join('\n')}\n`);
  }
  if (status.state.kind === 'unreadable') {
    throw status.state.error;
  }
  await warnOfLock(context);
  if (within !== undefined) {
    await assertGood(context, status, within);
  } else if (!options.json) {
    await giveHint(context, status);
  }
  assertAccepted(status.online);
}

function parseThreshold(text: string | undefined, scope: KeyScope): number | undefined {
  const threshold = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && threshold === undefined) {
    throw new MesaAuthError(
      'USAGE',
      `--fail-within takes a length of time in w, d, h, m and s, not ${shownValue(text)}`,
      {
        hint: `mesa auth status${scopeFlags(scope)} --fail-within 7d`,
      },
    );
  }
  return threshold;
}

async function examine(context: Context, options: StatusOptions): Promise<Status> {
  const environmentKey = await context.environmentKey();
  const variables = await variablesInForce(context);
  const config = await context.loadConfig();
  const store = await context.store(config.backend);
  const state = await storeStatus(context, config, store);
  const requested = await usedScope(context, options, config);
  const found = listCandidates(requested.scope, environmentKey, state.entries ?? new Map());
  const used = usedCandidate(found);
  const keys = [
    ...(used === undefined ? [] : [used]),
    ...Array.from(state.entries ?? [], ([source, { token, api }]) => ({ token, source, api })),
  ];
  return {
    store,
    state,
    configFile: config.file,
    log: { recording: config.audit, location: context.paths.useLog },
    variables,
    requested,
    candidates: state.entries === undefined ? undefined : found,
    used,
    online: options.offline ? undefined : await askAboutKeys(context, config.apiUrl, keys),
    now: context.host.now(),
  };
}

/** @throws LOCKED, KEY_NOT_FOUND, KEY_EXPIRES */
async function assertGood(
  context: Pick<Context, 'command' | 'paths' | 'withoutQuestions'>,
  { store, state, requested, used, now }: Status,
  within: number,
): Promise<void> {
  if (used === undefined) {
    throw state.kind === 'locked'
      ? keysUnknown(store.location)
      : await missingKey(context, store, requested.scope);
  }
  const expires = expiryOf(used);
  if (used.hasUnreadableEnd === true) {
    throw new MesaAuthError('KEY_EXPIRES', `the key for ${used.source} ${UNREADABLE_END}`, {
      hint: 'mesa auth doctor',
    });
  }
  if (expires !== undefined && expiresWithin(expires, within, now)) {
    throw new MesaAuthError('KEY_EXPIRES', `the key for ${used.source} ${describeExpiry(expires, now)}`, {
      hint: renewCommand(used, now),
    });
  }
}

const UNLOCK = 'set MESA_VAULT_PASSPHRASE, or: mesa auth unlock';

/** Keys can be used without it, so that it changes nothing about the outcome. */
async function warnOfLock({ output, paths }: Pick<Context, 'output' | 'paths'>): Promise<void> {
  const error = await lockProblem(paths.lockFile);
  if (error !== undefined) {
    output.warn(`no key can be stored or removed: ${error.message}`);
    output.hint(error.hint ?? 'mesa auth doctor');
  }
}

async function lockProblem(lockFile: string): Promise<MesaAuthError | undefined> {
  try {
    await probeLock(lockFile);
    return undefined;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return error;
  }
}

function keysUnknown(path: string): MesaAuthError {
  return new MesaAuthError('LOCKED', `the vault ${path} is locked: when its keys expire is not known`, {
    hint: UNLOCK,
  });
}

async function giveHint(
  context: Pick<Context, 'command' | 'output' | 'paths' | 'withoutQuestions'>,
  { store, state, used, requested, variables }: Status,
): Promise<void> {
  const { output } = context;
  if (state.kind === 'locked') {
    if (variables.some(({ name }) => name.startsWith('MESA_ORGS'))) {
      output.warn('MESA_ORGS is not registered: the vault is locked');
    }
    output.hint(UNLOCK);
  } else if (used === undefined) {
    output.hint((await missingKey(context, store, requested.scope)).hint ?? 'mesa auth set-key');
  }
}

function describeStatus(status: Status): readonly string[] {
  const { store, configFile, variables, state, online, now } = status;
  const lines = [
    ['store', `${store.backend}, ${describeState(state)}`],
    ['file', store.location],
    ['config', configFile ?? 'none: the defaults apply'],
    ...(variables.length === 0 ? [] : [['environment', variables.map(describeVariable).join(', ')]]),
    ['used here', describeUsed(status)],
    ...(online === undefined ? [] : [['server', `${online.apiUrl}: ${describeChecks(online)}`]]),
  ];
  const keys = [...(state.entries?.values() ?? [])].map((entry) => [
    formatStoreKey(entry.scope),
    kindName(entry.token),
    entry.token.masked(),
    dateOf(entry.added),
    describeEnd(entry, now),
    ...(online === undefined ? [] : [online.checkOf(entry.token).kind]),
  ]);
  const heading = ['SCOPE', 'KIND', 'KEY', 'ADDED', 'EXPIRES', ...(online === undefined ? [] : ['SERVER'])];
  const table = keys.length === 0 ? [] : ['', ...alignColumns([heading, ...keys])];
  return [...alignColumns(lines), ...table];
}

/** `mesa_****9f2c from orgs/acme, for orgs/acme/repos/web (git remote origin); expires in 3 hours`. */
function describeUsed({ state, requested: { scope, from }, used, online, now }: Status): string {
  const origin = {
    flags: '',
    MESA_ORG: ' (MESA_ORG)',
    'git remote': ' (git remote origin)',
    config: ' (secrets.org in config.toml)',
    nothing: '',
  }[from];
  const purpose = scope.kind === 'global' ? '' : `, for ${formatStoreKey(scope)}${origin}`;
  if (used === undefined) {
    const where = scope.kind === 'global' ? '' : ` for ${formatStoreKey(scope)}${origin}`;
    return state.entries === undefined ? `not known${where}` : `no key${where}`;
  }
  const { permissions, repositories } = describeToken(used.token);
  const expires = expiryOf(used);
  return [
    `${used.token.masked()} from ${used.source}${purpose}`,
    ...(online === undefined ? [] : [online.checkOf(used.token).kind]),
    ...(expires === undefined ? [] : [describeExpiry(expires, now)]),
    ...(used.hasUnreadableEnd === true ? [UNREADABLE_END] : []),
    ...(permissions === undefined ? [] : [`for ${shownNames(permissions)}`]),
    ...(repositories === undefined ? [] : [`in ${shownNames(repositories)} alone`]),
  ].join('; ');
}

function describeEnd(key: KeyEntry, now: Date): string {
  const expires = expiryOf(key);
  if (key.hasUnreadableEnd === true) {
    return 'unreadable date';
  }
  return expires === undefined ? '-' : `${dateOf(expires)} (${describeDistance(expires, now)})`;
}

function dateOf(moment: Date | undefined): string {
  return moment?.toISOString().slice(0, 'YYYY-MM-DD'.length) ?? '-';
}

function statusJson(status: Status): Record<string, unknown> {
  const { store, state, configFile, log, variables, requested, candidates, used, online, now } = status;
  const check = (token: Token): string => online?.checkOf(token).kind ?? 'unchecked';
  return {
    store: {
      backend: store.backend,
      location: store.location,
      state: state.kind,
      unlocked_by: state.kind === 'unlocked' ? state.by : null,
      unlocked_for_seconds:
        state.kind === 'unlocked' && state.left !== undefined ? Math.floor(state.left / 1_000) : null,
    },
    config_file: configFile ?? null,
    api_url: online?.apiUrl ?? null,
    log,
    environment: variables.map(({ name, shown }) => ({ name, value: shown ?? null })),
    requested_scope: formatStoreKey(requested.scope),
    requested_by: requested.from === 'nothing' ? null : requested.from.replace(' ', '_'),
    used:
      used === undefined
        ? null
        : {
            source: used.source,
            masked_key: used.token.masked(),
            ...factsJson(used, now),
            check: check(used.token),
          },
    candidates: candidates?.map(candidateJson) ?? null,
    keys:
      state.entries === undefined
        ? null
        : Array.from(state.entries.values(), (entry) => ({
            ...entryJson(entry),
            ...factsJson(entry, now),
            check: check(entry.token),
          })),
  };
}
