// The package's published surface `mesa-auth`: the keys of this machine's user, for programs. docs/library.md says how
// to use it.
import './library/require-node.ts';

export type { Permission } from './access-token/permissions.ts';
export { MesaAuthError, type ErrorCode } from './errors.ts';
export { mintToken, type MintedToken, type MintTokenOptions } from './library/mint-token.ts';
export type { KeyOptions } from './library/options.ts';
export { resolveKey, type ResolveKeyOptions } from './library/resolve-key.ts';
