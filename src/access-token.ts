// The package's published surface `mesa-auth/access-token`: signing and verifying Mesa's ephemeral access tokens.
// docs/access-tokens.md says how to use it in a server.
export type { AccessTokenClaims } from './access-token/claims.ts';
export { allows, parsePermission, PERMISSIONS, type Permission } from './access-token/permissions.ts';
export { DEFAULT_TTL_SECONDS, deriveSigningSecret, MAX_TTL_SECONDS } from './access-token/protocol.ts';
export {
  InvalidOptionsError,
  signAccessToken,
  type SignAccessTokenOptions,
  type SignedAccessToken,
  type SigningKey,
} from './access-token/sign.ts';
export {
  type AccessTokenRefusal,
  type AccessTokenVerdict,
  verifyAccessToken,
  type VerifyAccessTokenOptions,
} from './access-token/verify.ts';
