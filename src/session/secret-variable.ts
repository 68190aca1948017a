import { constants, fstatSync, openSync } from 'node:fs';

import { isSecretSet, type SecretVariable } from '../config/config.ts';
import { describeErrno, errnoOf, MesaAuthError } from '../errors.ts';
import type { Host } from '../platform/host.ts';
import { closeQuietly, readAll } from '../platform/private-file.ts';

/** A secret of the environment. */
export interface Secret {
  /** The variable that holds it, or names its file. */
  readonly variable: string;
  /** As it came, a line break at its end included; U+FFFD for what is no UTF-8. */
  readonly text: string;
}

const FILE_VARIABLES: Readonly<Record<SecretVariable, string>> = {
  MESA_API_KEY: 'MESA_API_KEY_FILE',
  MESA_ORGS: 'MESA_ORGS_FILE',
  MESA_VAULT_PASSPHRASE: 'MESA_VAULT_PASSPHRASE_FILE',
  MESA_NEW_VAULT_PASSPHRASE: 'MESA_NEW_VAULT_PASSPHRASE_FILE',
};
// More than any secret may have, MESA_ORGS with 64 KiB included: whoever wants it then finds that it is too long.
const MOST_BYTES = 65_536 + '\r\n'.length + 1;

/**
 * A secret of the environment: what the variable holds, or the file that the one with `_FILE` names, as containers get
 * theirs. Empty variables count as unset. What the file is called is never told: somebody may have put the secret there.
 * @returns undefined where neither is set
 * @throws USAGE where both are; CONFIG_UNREADABLE where the file is none, or cannot be read
 */
export function readSecret({ env }: Pick<Host, 'env'>, variable: SecretVariable): Secret | undefined {
  if (!isSecretSet(env, variable)) {
    return undefined;
  }
  const text = env[variable] ?? '';
  const fileVariable = FILE_VARIABLES[variable];
  const file = env[fileVariable] ?? '';
  if (file === '') {
    return { variable, text };
  }
  if (text !== '') {
    throw new MesaAuthError('USAGE', `${variable} and ${fileVariable} are both set`, {
      hint: `unset ${variable}`,
    });
  }
  return { variable: fileVariable, text: readStart(file, fileVariable) };
}

function readStart(file: string, variable: string): string {
  let fd: number | undefined;
  try {
    // Whoever made a FIFO may never write to it, and no command waits for that.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) {
      throw unreadable(variable, 'it is not a regular file');
    }
    return readAll(fd, MOST_BYTES).toString('utf8');
  } catch (error) {
    throw errnoOf(error) === undefined || error instanceof MesaAuthError
      ? error
      : unreadable(variable, describeErrno(error), error);
  } finally {
    if (fd !== undefined) {
      closeQuietly(fd);
    }
  }
}

function unreadable(variable: string, reason: string, cause?: unknown): MesaAuthError {
  return new MesaAuthError('CONFIG_UNREADABLE', `cannot read the file that ${variable} names: ${reason}`, {
    hint: `ls -l "$${variable}"`,
    cause,
  });
}
