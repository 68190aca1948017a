import { randomBytes } from 'node:crypto';

import { verifyAccessToken } from 'mesa-auth/access-token';

import type { UsableKey, UsableKeys } from '../database/usable-keys.ts';
import { isApiKey } from '../rules/api-key.ts';
import type { Caller, TokenBounds } from '../rules/caller.ts';
import type { Sealer } from '../secrets/sealer.ts';
import { rememberDigests } from './key-digests.ts';
import { createVerifiedTokens } from './verified-tokens.ts';

/** Why a credential was refused: for the log. Clients hear the same `UNAUTHORIZED` whatever it was. */
export type Authentication =
  | { readonly caller: Caller }
  | { readonly caller: undefined; readonly reason: string };

/** Finds out who shows a credential. It asks the database each time: nothing that was revoked lives on here. */
export type Authenticate = (credential: string, now: Date) => Promise<Authentication>;

/**
 * An API key is looked up by its digest; anything else must be an access token (contract section 8), whose key is
 * looked up by id and lends its signing secret.
 */
export function createAuthenticate(keys: UsableKeys, sealer: Sealer): Authenticate {
  // Of nobody: opened for a key that is not there, so that its refusal takes as long as that of a wrong signature.
  const nobodys = sealer.seal(randomBytes(32).toString('base64url'), '');

  const digestOf = rememberDigests((apiKey) => sealer.digest(apiKey));
  const verified = createVerifiedTokens();

  const byKey = async (credential: string, now: Date): Promise<Authentication> => {
    if (!isApiKey(credential)) {
      return refused('NO_API_KEY');
    }
    const key = await keys.byDigest(digestOf(credential), now);
    return key === undefined ? refused('UNKNOWN_KEY') : { caller: callerOf(key, undefined) };
  };

  const verify = async (credential: string, now: Date): Promise<Authentication> => {
    let signer: UsableKey | undefined;
    const verdict = await verifyAccessToken(credential, {
      now,
      signingSecretOf: async (keyId) => {
        signer = await keys.byId(keyId, now);
        const secret = sealer.open(signer?.sealedSecret ?? nobodys, signer?.id ?? '');
        return signer && secret;
      },
    });
    if (!verdict.ok) {
      return refused(verdict.reason);
    }
    if (signer === undefined) {
      return refused('UNKNOWN_KEY');
    }
    verified.add(credential, { claims: verdict.claims, sealedSecret: signer.sealedSecret, at: now });
    return { caller: callerOf(signer, verdict.claims) };
  };

  const byToken = async (credential: string, now: Date): Promise<Authentication> => {
    const known = verified.find(credential);
    // Of a clock that was set back nothing is remembered.
    if (known === undefined || now < known.at) {
      return verify(credential, now);
    }
    const { claims, sealedSecret } = known;
    const signer = await keys.byId(claims.keyId, now);
    if (signer === undefined) {
      return refused('UNKNOWN_KEY');
    }
    if (Buffer.compare(signer.sealedSecret, sealedSecret) !== 0) {
      return verify(credential, now);
    }
    return claims.expiresAt > now ? { caller: callerOf(signer, claims) } : refused('EXPIRED');
  };

  return (credential, now) =>
    credential.startsWith('mesa_') ? byKey(credential, now) : byToken(credential, now);
}

function callerOf(key: UsableKey, token: TokenBounds | undefined): Caller {
  return {
    organization: key.organization,
    keyId: key.id,
    keyName: key.name,
    permissions: key.permissions,
    repoIds: key.repoIds,
    token: token && { permissions: token.permissions, repos: token.repos },
  };
}

function refused(reason: string): Authentication {
  return { caller: undefined, reason };
}
