import { shellWord } from './escape-text.ts';

/**
 * What to type when a store cannot be used and there is a backup: `restore` refuses a store that it cannot read, so
 * that is moved away first, and never over another file.
 * @param path of the store
 */
export function restoreCommands(path: string): string {
  return `mv -i ${shellWord(path)} ${shellWord(`${path}.damaged`)} && mesa auth restore "$BACKUP"`;
}
