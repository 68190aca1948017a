import { restoreCommands } from '../core/restore-hint.ts';
import { MesaAuthError } from '../errors.ts';

/** The error of a document whose only damage may be a time that TOML cannot write; see mend-times.ts. */
export function damagedTime(path: string, where: string, what: string): MesaAuthError {
  return new MesaAuthError('STORE_DAMAGED', `the secret store ${path}${where} is damaged: ${what}`, {
    hint: 'mesa auth doctor --fix',
  });
}

/**
 * The error of a document that cannot be read.
 * @param path the store's file name
 * @param where the place in it, as `:2:7`; empty for all of it
 */
export function damagedDocument(path: string, where: string, what: string): MesaAuthError {
  return new MesaAuthError('STORE_DAMAGED', `the secret store ${path}${where} is damaged: ${what}`, {
    hint: `mesa has not changed it; mend it by hand, or: ${restoreCommands(path)}`,
  });
}
