import { isForApi } from '../../core/api-url.ts';
import { nameOfKey, replaceCommand } from '../../core/key-source.ts';
import type { Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import type { ApiKeyInUse } from '../../rest/api-key-in-use.ts';
import type { KeyCheck } from '../../rest/check-keys.ts';
import type { Context } from '../../session/context.ts';
import type { BoundKey } from '../../session/other-api.ts';
import { withProgress } from '../terminal/progress.ts';

/** What the server said of keys. */
export interface OnlineStatus {
  readonly apiUrl: string;
  /** Each key once, however often it is stored, by the place where it was met first. */
  readonly checks: readonly { readonly key: StoredKeyInUse; readonly check: OnlineCheck }[];
  readonly checkOf: (token: Token) => OnlineCheck;
}

/** `other-api`: it was stored for another API, and not sent to this one. */
export type OnlineCheck = KeyCheck | { readonly kind: 'other-api' };

export type StoredKeyInUse = ApiKeyInUse & BoundKey;

/** Asks the server about keys, for a few seconds at most. @throws CONFIG_INVALID */
export async function askAboutKeys(
  context: Pick<Context, 'host'>,
  apiUrl: string,
  keys: readonly StoredKeyInUse[],
): Promise<OnlineStatus> {
  // Of one that is stored for several APIs, the place counts that may be asked about.
  const inOrder = keys.toSorted((a, b) => Number(isForApi(b, apiUrl)) - Number(isForApi(a, apiUrl)));
  const byValue = new Map(inOrder.toReversed().map((key) => [key.token.reveal(), key]));
  const once = keys.filter((key) => byValue.get(key.token.reveal()) === key);
  const askable = once.filter((key) => isForApi(key, apiUrl));
  const { checkKeys } = await import('../../rest/check-keys.ts');
  const results = await withProgress(context, `asking ${apiUrl} about keys`, () =>
    checkKeys(askable, { apiUrl, env: context.host.env }),
  );
  const checks = once.map((key) => ({
    key,
    check: isForApi(key, apiUrl)
      ? (results[askable.indexOf(key)] ?? { kind: 'unchecked' as const })
      : { kind: 'other-api' as const },
  }));
  const byToken = new Map(checks.map(({ key, check }) => [key.token.reveal(), check]));
  return { apiUrl, checks, checkOf: (token) => byToken.get(token.reveal()) ?? { kind: 'unchecked' } };
}

/** `2 keys valid, 1 rejected`. */
export function describeChecks({ checks }: OnlineStatus): string {
  const counts = (['valid', 'rejected', 'unreachable', 'unchecked', 'other-api'] as const)
    .map((kind) => ({ kind, count: checks.filter(({ check }) => check.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }, index) => `${count}${index > 0 ? '' : count === 1 ? ' key' : ' keys'} ${kind}`);
  return counts.length === 0 ? 'not asked, there is no key' : counts.join(', ');
}

/** @throws KEY_REFUSED when the server refuses a key, UNREACHABLE when it did not tell of one */
export function assertAccepted(online: OnlineStatus | undefined): void {
  const failures = (online?.checks ?? []).flatMap(({ key, check }) =>
    'error' in check ? [{ key, ...check }] : [],
  );
  const rejected = failures.filter(({ kind }) => kind === 'rejected');
  const [first] = rejected;
  if (first !== undefined && rejected.length > 1) {
    const names = rejected.map(({ key }) => nameOfKey(key.source));
    throw new MesaAuthError('KEY_REFUSED', `${online?.apiUrl} does not accept ${names.join(', ')}`, {
      hint: `replace them, as with: ${replaceCommand(first.key.source)}`,
    });
  }
  const failure = first ?? failures[0];
  if (failure !== undefined) {
    const { message, hint = 'try again later' } = failure.error;
    throw new MesaAuthError(first === undefined ? 'UNREACHABLE' : 'KEY_REFUSED', message, { hint });
  }
}
