import type { Permission } from '../access-token/permissions.ts';
import { InvalidOptionsError, signAccessToken } from '../access-token/sign.ts';
import { needsApiKey } from '../core/key-source.ts';
import type { Candidate } from '../core/candidates.ts';
import { describeToken } from '../core/token-kind.ts';
import { Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import type { TokenOrder } from './token-order.ts';

/** The key that signs. */
export interface MintingKey {
  readonly token: Token;
  readonly source: Candidate['source'];
  /** Its id on the server, where that is known. */
  readonly keyId: string | undefined;
}

export interface MintedToken {
  readonly token: Token;
  readonly expires: Date;
  readonly permissions: readonly Permission[];
  readonly repos: readonly string[] | null;
  /** Of the key that signed it. */
  readonly keyId: string;
}

/**
 * Signs a short-lived token with a stored key, offline once the key's id is known.
 * @param learnKeyId asked when it is not
 * @throws INVALID_KEY when the key is itself such a token, which cannot sign; USAGE for an order that no server accepts;
 *   what `learnKeyId` throws
 */
export async function mintToken(
  key: MintingKey,
  order: TokenOrder,
  { now, learnKeyId }: { readonly now: Date; readonly learnKeyId: (key: MintingKey) => Promise<string> },
): Promise<MintedToken> {
  if (describeToken(key.token).kind === 'jwt') {
    throw needsApiKey(key.source, 'sign others');
  }
  const keyId = key.keyId ?? (await learnKeyId(key));
  try {
    const { token, expiresAt, permissions, repos } = signAccessToken({
      apiKey: key.token.reveal(),
      apiKeyId: keyId,
      now,
      ...order,
    });
    return { token: Token.parse(token), expires: new Date(expiresAt), permissions, repos, keyId };
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) {
      throw error;
    }
    // Its texts name what was asked for, and no value.
    const message = `${error.message.slice(0, 1).toLowerCase()}${error.message.slice(1)}`;
    throw new MesaAuthError('USAGE', message, { cause: error });
  }
}
