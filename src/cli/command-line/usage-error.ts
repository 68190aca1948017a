import { MesaAuthError } from '../../errors.ts';
import { mendLine } from './mended-line.ts';
import { isHarmless } from './shown-words.ts';
import type { CommandTable } from './spec.ts';

/** What the command-line library found. */
interface Complaint {
  readonly code: string;
  readonly message: string;
}

/** What a command that comes after another word may be taken for. */
const NO_COMMAND = new Set([
  'commander.unknownCommand',
  'commander.unknownOption',
  'commander.excessArguments',
]);

/**
 * The library's text in our form, and what to type instead. It quotes the offending word, which may be a key that
 * somebody put in the wrong place, so a word is repeated only when it looks like a flag or a command.
 * @param argv what was typed, up to `--` where the command takes what follows
 * @param rest what follows it
 */
export function usageError(
  complaint: Complaint,
  argv: readonly string[],
  rest: readonly string[],
  table: CommandTable,
): MesaAuthError {
  const { hint, unknown, lacksDashes } = mendLine(argv, rest, table);
  if (complaint.code === 'commander.optionMissingArgument') {
    // The value is what only the person knows.
    return new MesaAuthError('USAGE', wordsOf(complaint), { hint: hint.replace(/(?: -.*)?$/, ' --help') });
  }
  if (unknown !== undefined && NO_COMMAND.has(complaint.code)) {
    return new MesaAuthError('USAGE', unknownCommand(unknown), { hint });
  }
  return new MesaAuthError('USAGE', lacksDashes ? 'the command to run comes after --' : wordsOf(complaint), {
    hint,
  });
}

/** `unknown command 'lsit'`. */
export function unknownCommand(word: string): string {
  return `unknown command ${isHarmless(word) ? `'${word}'` : '(not shown)'}`;
}

function wordsOf({ message }: Complaint): string {
  const [first = ''] = message.replace(/^error: /, '').split('\n');
  return first
    .replace(/'([^']*)'/g, (quoted, word: string) => (isHarmless(word) ? quoted : '(not shown)'))
    .replace(/\.$/, '');
}
