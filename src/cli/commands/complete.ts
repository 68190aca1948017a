import { setTimeout as sleep } from 'node:timers/promises';

import { decodeUtf8 } from '../../platform/private-file.ts';
import { Context } from '../../session/context.ts';
import { complete } from '../command-line/complete.ts';
import { FILES } from '../command-line/completion-scripts.ts';
import { valueOf, type CommandSpec, type CommandTable } from '../command-line/spec.ts';
import { knownScopes } from '../show/known-scopes.ts';

export const command: CommandSpec = {
  path: ['__complete'],
  hidden: true,
  description: 'what the completion scripts ask: the words so far, one a line, on standard input',
  examples: [],
  flags: [],
  run: (context, _flags, _argument, _rest, loadTable) => runComplete(context, loadTable),
};

const MAX_BYTES = 64 * 1024;
/** An unlock agent that does not answer is not waited for: somebody is typing. */
const PATIENCE_MS = 1_000;

/**
 * What the completion scripts ask at every press of Tab: the words so far on standard input, one a line; the
 * candidates go to standard output, one a line, with a tab and a description where there is one. Never asks, never
 * writes, registers no MESA_ORGS, and when anything fails says nothing at all: somebody is in the middle of a line.
 */
async function runComplete(
  { host, output }: Pick<Context, 'host' | 'output'>,
  loadTable: () => Promise<CommandTable>,
): Promise<void> {
  try {
    const words = readWords(host.stdin.isTerminal ? [] : host.stdin.chunks());
    const found = await complete(await loadTable(), words, (flags) =>
      atOnce(
        knownScopes(
          new Context({
            host: {
              ...host,
              // Without the passphrase: a derivation takes a second.
              env: { ...host.env, MESA_VAULT_PASSPHRASE: undefined, MESA_VAULT_PASSPHRASE_FILE: undefined },
              stderr: { isTerminal: false, write: () => undefined },
            },
            openPassphrases: async (context) =>
              (await import('../../session/passphrases.ts')).openPassphrases(context),
            globals: { configPath: valueOf(flags, 'config-path'), nonInteractive: true },
          }),
        ),
      ),
    );
    const lines =
      found === 'files'
        ? [FILES]
        : found.map(({ text, description }) =>
            description === undefined ? text : `${text}\t${description}`,
          );
    output.data(lines.map((line) => `${line}\n`).join(''));
  } catch {
    // See above.
  }
}

/** What is known within a second. The process ends when the command does, and with it what still goes on. */
function atOnce<T>(work: Promise<readonly T[]>): Promise<readonly T[]> {
  const nothing = sleep(PATIENCE_MS).then((): readonly T[] => []);
  return Promise.race([work.catch((): readonly T[] => []), nothing]);
}

/** @returns no word for input that is too long or no text */
function readWords(chunks: Iterable<Uint8Array>): readonly string[] {
  const received: Uint8Array[] = [];
  let length = 0;
  for (const chunk of chunks) {
    received.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) {
      return [];
    }
  }
  return (decodeUtf8(Buffer.concat(received)) ?? '').split('\n').slice(0, -1);
}
