import { existsSync } from 'node:fs';

import { agentStatus } from '../../agent/control.ts';
import type { AgentStatus } from '../../agent/protocol.ts';
import { agentPlace, assertSocketPath } from '../../agent/socket-path.ts';
import type { Config } from '../../config/config.ts';
import { describeDuration } from '../../core/duration.ts';
import { isEncrypted } from '../../core/secret-store.ts';
import { shownValue } from '../../core/shown-text.ts';
import { DEFAULT_UNLOCK_TIME, parseUnlockTime } from '../../core/unlock-time.ts';
import { MesaAuthError } from '../../errors.ts';
import { checkPrivateDir } from '../../platform/private-dir.ts';
import { nearestExisting } from '../../platform/probe-lock.ts';
import { assertWritableDir } from '../../platform/replaceable.ts';
import type { Context } from '../../session/context.ts';
import { firstKeyCommand } from '../../session/missing-key.ts';
import { extendAgent, startAgent } from '../../session/unlock-agent.ts';
import { typedWrong } from '../../stores/prompted-vault-store.ts';
import { parseVaultHeader } from '../../vault/header.ts';
import { assertMemory } from '../../vault/scrypt.ts';
import { valueOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'unlock'],
  description: 'open the vault for a while, so that its passphrase is typed once',
  examples: ['mesa auth unlock', 'mesa auth unlock --timeout 8h', 'mesa auth unlock --check'],
  flags: [
    {
      long: '--timeout',
      value: 'time',
      description: 'lock after this long without use, as 15m or 1h30m; at most 12h',
    },
    { long: '--check', description: 'ask nothing; exit 0 when the vault is unlocked, 6 when it is locked' },
    { long: '--json', description: 'with --check: print one JSON document, without secrets' },
  ],
  run: (context, flags) =>
    runUnlock(context, {
      timeout: valueOf(flags, 'timeout'),
      check: flags.has('check'),
      json: flags.has('json'),
    }),
};

interface UnlockOptions {
  /** `--timeout`, as given. */
  readonly timeout: string | undefined;
  readonly check: boolean;
  readonly json: boolean;
}

const MAX_ATTEMPTS = 3;

/** `mesa auth unlock`: has an agent hold the vault open, or with `--check` tells whether one does. */
async function runUnlock(context: Context, options: UnlockOptions): Promise<void> {
  const given = parseTimeout(options);
  const config = await context.loadConfig();
  if (options.check) {
    await reportState(context, config, options.json);
    return;
  }
  assertVault(context, config);
  await assertVaultFile(context);
  assertPlace(context);
  const status = (await extendRunning(context, given)) ?? (await unlock(context, config, given));
  context.output.note(`unlocked the vault ${describeLimits(status, context.host.now())}`);
}

/** Undefined when no agent holds this vault. */
async function extendRunning(
  context: Pick<Context, 'paths'>,
  given: number | undefined,
): Promise<AgentStatus | undefined> {
  const current = await agentStatus(context.paths);
  return current && extendAgent(context, given);
}

function parseTimeout({ timeout, check, json }: UnlockOptions): number | undefined {
  if (json && !check) {
    throw new MesaAuthError('USAGE', '--json needs --check', { hint: 'mesa auth unlock --check --json' });
  }
  if (check && timeout !== undefined) {
    throw new MesaAuthError('USAGE', '--check changes nothing; it takes no --timeout', {
      hint: `mesa auth unlock --timeout ${DEFAULT_UNLOCK_TIME}`,
    });
  }
  const milliseconds = timeout === undefined ? undefined : parseUnlockTime(timeout);
  if (timeout !== undefined && milliseconds === undefined) {
    throw new MesaAuthError('USAGE', `${shownValue(timeout)} is not a time up to 12 hours`, {
      hint: `mesa auth unlock --timeout ${DEFAULT_UNLOCK_TIME}`,
    });
  }
  return milliseconds;
}

async function unlock(
  context: Pick<Context, 'host' | 'passphrases' | 'paths'>,
  config: Config,
  given: number | undefined,
): Promise<AgentStatus> {
  const idleMs = given ?? config.unlockTimeout ?? parseUnlockTime(DEFAULT_UNLOCK_TIME) ?? 0;
  // This command starts the agent itself, and need not do it twice.
  (await context.passphrases()).unlockFor(undefined);
  const passphrases = await context.passphrases();
  if ((await passphrases.takeTurn?.()) === true) {
    // Somebody else may have unlocked it meanwhile.
    const status = await extendRunning(context, given);
    if (status !== undefined) {
      return status;
    }
  }
  for (let attempt = 1; ; attempt += 1) {
    const passphrase = await passphrases.toOpen(attempt);
    try {
      const status = await startAgent(context, { passphrase: passphrase.text, idleMs, checked: false });
      await passphrases.accepted?.(passphrase);
      return status;
    } catch (error) {
      const wrong = error instanceof MesaAuthError && error.code === 'WRONG_PASSPHRASE';
      if (!wrong || !passphrase.typed || attempt >= MAX_ATTEMPTS) {
        throw wrong && passphrase.typed ? typedWrong(error) : error;
      }
    }
  }
}

function assertVault(context: Pick<Context, 'host' | 'paths'>, { backend }: Config): void {
  const { paths } = context;
  if (!isEncrypted(backend)) {
    throw new MesaAuthError('USAGE', `there is nothing to unlock: ${backend} has no passphrase`, {
      hint: 'to keep the keys in a vault: mesa auth migrate --to encrypted-file',
    });
  }
  if (!existsSync(paths.encryptedStore)) {
    throw new MesaAuthError('USAGE', `there is nothing to unlock: no vault ${paths.encryptedStore} yet`, {
      hint: firstKeyCommand(context),
    });
  }
}

/** @throws what keeps an agent from being there: HOME_UNUSABLE, STORE_UNSAFE, IO */
function assertPlace({ host, output, paths }: Pick<Context, 'host' | 'output' | 'paths'>): void {
  const place = agentPlace(paths);
  assertSocketPath(place, host.platform);
  const isThere = checkPrivateDir(place.dir, (message) => output.warn(message));
  assertWritableDir(isThere ? place.dir.path : nearestExisting(place.dir.path), place.socket);
}

/** @throws what keeps a vault from being opened by any passphrase: STORE_FOREIGN, STORE_UNSAFE, WORK_FACTOR, IO for too little memory, too */
async function assertVaultFile(context: Pick<Context, 'paths' | 'wholeStore'>): Promise<void> {
  const bytes = (await context.wholeStore('encrypted-file')).readBytes();
  if (bytes !== undefined) {
    assertMemory(parseVaultHeader(bytes, context.paths.encryptedStore).workFactor);
  }
}

/** Keys that no passphrase protects are as good as unlocked. */
async function reportState(
  context: Pick<Context, 'host' | 'output' | 'paths' | 'wholeStore'>,
  { backend }: Config,
  json: boolean,
): Promise<void> {
  const { encryptedStore } = context.paths;
  const found = isEncrypted(backend) ? await agentStatus(context.paths) : undefined;
  const status = found?.vault === encryptedStore ? found : undefined;
  const unlocked = !isEncrypted(backend) || status !== undefined;
  if (json) {
    context.output.json({
      unlocked,
      backend,
      vault: isEncrypted(backend) ? encryptedStore : null,
      agent_pid: status?.pid ?? null,
      unlocked_since: status?.unlockedSince.toISOString() ?? null,
      idle_until: status?.idleUntil.toISOString() ?? null,
      locked_at: status?.lockedAt.toISOString() ?? null,
    });
  }
  if (!unlocked) {
    if (!existsSync(encryptedStore)) {
      throw new MesaAuthError('LOCKED', `there is no vault ${encryptedStore} yet`, {
        hint: firstKeyCommand(context),
      });
    }
    await assertVaultFile(context);
    throw new MesaAuthError('LOCKED', `the vault ${encryptedStore} is locked`, { hint: 'mesa auth unlock' });
  }
  if (!json) {
    context.output.note(
      status === undefined
        ? `${backend} has no passphrase`
        : `the vault is unlocked ${describeLimits(status, context.host.now())}`,
    );
  }
}

/** `until 14:32, longer while it is used, at most until 02:17 tomorrow`, by the clock on the wall. */
function describeLimits({ idleUntil, lockedAt, idleMs }: AgentStatus, now: Date): string {
  const until = `until ${clockTime(idleUntil, now)}`;
  return idleUntil >= lockedAt
    ? until
    : `${until}, ${describeDuration(idleMs)} after its last use; at most until ${clockTime(lockedAt, now)}`;
}

/** A time of today, or of tomorrow: no vault stays unlocked for longer. */
function clockTime(date: Date, now: Date): string {
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${hours}:${minutes}:${seconds}${date.getDate() === now.getDate() ? '' : ' tomorrow'}`;
}
