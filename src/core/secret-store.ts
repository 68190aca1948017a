import type { KeyScope, StoreKey } from './key-scope.ts';
import type { Token } from './token.ts';

export const BACKENDS = ['encrypted-file', 'plaintext-file'] as const;
export type Backend = (typeof BACKENDS)[number];

/** Whether a backend is the vault, which a passphrase opens. */
export function isEncrypted(backend: Backend): boolean {
  return backend === 'encrypted-file';
}

export function otherBackend(backend: Backend): Backend {
  return isEncrypted(backend) ? 'plaintext-file' : 'encrypted-file';
}

/** One stored key. */
export interface KeyEntry {
  readonly scope: KeyScope;
  readonly token: Token;
  /** When it was stored; undefined in a document that somebody wrote without it. */
  readonly added: Date | undefined;
  /** When it stops working, where the store says so. */
  readonly expires: Date | undefined;
  /** Whether the store says so in a way that is no date-time, as somebody's hand may: nobody knows when this key ends. */
  readonly hasUnreadableEnd?: boolean | undefined;
  /** The key's id on the server (`key_...`, not the key), once it was learnt. */
  readonly keyId: string | undefined;
  /** The API that it was stored for, as parseApiUrl gives it; undefined when an older version stored it. */
  readonly api: string | undefined;
}

/** One consistent view of a store, in listing order. */
export type KeyEntries = ReadonlyMap<StoreKey, KeyEntry>;

/** What a server knows of a key. */
export interface KeyFacts {
  /** A printable name; see isPrintableName. */
  readonly keyId?: string | undefined;
  readonly expires?: Date | undefined;
}

/** How long a key that was replaced can be brought back, where nothing else is said: 7 days, in milliseconds. */
export const KEEP_REPLACED_MS: number = 7 * 24 * 60 * 60 * 1_000;

export type Change =
  /** The key that was there, if it is another one, becomes the previous key of the scope. */
  | {
      readonly kind: 'set';
      readonly scope: KeyScope;
      readonly token: Token;
      /** See KeyEntry. */
      readonly api?: string | undefined;
      /** Milliseconds that the replaced key is kept; KEEP_REPLACED_MS when absent. With 0 no previous key of any scope is. */
      readonly keep?: number | undefined;
    }
  /** Exchanges a scope's key and its previous one, as long as `present` is the key there; undefined for none. */
  | {
      readonly kind: 'undo';
      readonly scope: KeyScope;
      readonly present: Token | undefined;
      /** As of a set. */
      readonly keep?: number | undefined;
    }
  /** Adds what is known of a key, as long as that very key is still there. What is undefined stays. */
  | { readonly kind: 'learn'; readonly scope: KeyScope; readonly token: Token; readonly facts: KeyFacts }
  /**
   * Puts a key, with what is known of it, in the place of another, as long as that very one is still there. The other
   * one is of no use any more: it is no previous key, there or anywhere, and what was the previous key there is none either.
   */
  | {
      readonly kind: 'replace';
      readonly scope: KeyScope;
      readonly old: Token;
      readonly token: Token;
      readonly facts: KeyFacts;
      /** See KeyEntry. */
      readonly api?: string | undefined;
    }
  /** Removes a scope's key, and its previous one with it. */
  | { readonly kind: 'remove'; readonly scope: KeyScope }
  /** Removes a scope's previous key alone. */
  | { readonly kind: 'forget'; readonly scope: KeyScope };

/**
 * What a change found: `stored`, `replaced` and, for the very key that is there, for the same API, `unchanged` answer a
 * set, `replaced` a replace, also one that was done before,
 * `removed` a remove, `learnt` a learn, `undone` an undo, `forgotten` a forget. `absent` answers all but a set where there
 * was nothing to change: no such key, none before it, or one of which all that was known already.
 */
export const CHANGE_OUTCOMES = [
  'stored',
  'replaced',
  'unchanged',
  'removed',
  'learnt',
  'undone',
  'forgotten',
  'absent',
] as const;
export type ChangeOutcome = (typeof CHANGE_OUTCOMES)[number];

/** A key in the place of another one that was there, both masked. */
export interface Replacement {
  readonly scope: KeyScope;
  readonly old: string;
  readonly new: string;
}

export type OnReplaced = (replacement: Replacement) => void;

/**
 * A place that keeps keys by scope. Absence is a value, failure is an error: a store that does not exist
 * yet is empty, and one that cannot be read throws and is left as it is, byte for byte.
 *
 * Both operations throw LOCKED or WRONG_PASSPHRASE (no or a wrong passphrase), STORE_DAMAGED, STORE_FOREIGN,
 * STORE_VERSION, STORE_UNSAFE, WORK_FACTOR or IO. `apply` throws STORE_BUSY as well.
 */
export interface SecretStore {
  readonly backend: Backend;
  /** The file's absolute path, for people. */
  readonly location: string;

  /**
   * All entries at one moment. Needs no lock and no writable directory.
   * @param scopes all that the caller will look at; a store may then leave out the others
   */
  read(scopes?: readonly KeyScope[]): Promise<KeyEntries>;

  /**
   * Performs all changes, in order, as one transaction: all are durable when the promise resolves, or none
   * took place. Concurrent callers, in any process, do not lose each other's changes. Changes that alter
   * nothing (removing what is not there, setting what is) write nothing, and sets of that kind need no place to write.
   * No changes at all make an empty store where there is none. Whatever is written, previous keys whose time is over are
   * not written again.
   * @param onReplaced told, once all is durable, of every key that a set or an undo put in the place of another
   * @returns one outcome per change
   */
  apply(changes: readonly Change[], onReplaced?: OnReplaced): Promise<readonly ChangeOutcome[]>;
}
