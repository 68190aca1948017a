import { describeKeyProblem } from '../core/incoming-key.ts';
import { isOrgSlug } from '../core/key-scope.ts';
import { Token } from '../core/token.ts';
import { parsePositionedToml, removeTomlValue } from '../toml/positioned-toml.ts';
import { readConfigText, syntaxError } from './config-file.ts';
import { legacyKeys } from './config.ts';
import { editConfig } from './write-config.ts';

/** An `[organizations.<name>] api-key`, from before there was a secret store. */
export interface LegacyKey {
  /** The section's name, of foreign origin. */
  readonly org: string;
  /** Undefined when the section's name is no organization, or the value no key. */
  readonly token: Token | undefined;
  /** Line of the value, from 1. */
  readonly line: number | undefined;
}

/** The legacy keys of a config file; none when there is no such file. @throws CONFIG_UNREADABLE, CONFIG_SYNTAX */
export function readLegacyKeys(path: string): readonly LegacyKey[] {
  try {
    const toml = parsePositionedToml((readConfigText(path) ?? '').replace(/^\ufeff/, ''));
    return Array.from(legacyKeys(toml.table), ([org, value]) => {
      const isKey = typeof value === 'string' && isOrgSlug(org) && describeKeyProblem(value) === undefined;
      return { org, token: isKey ? Token.parse(value) : undefined, line: toml.lineOf(placeOf(org)) };
    });
  } catch (error) {
    throw syntaxError(path, error);
  }
}

/**
 * Takes legacy keys out of a config file, but those alone that are still the ones given. The caller holds the lock.
 * @throws CONFIG_UNREADABLE, CONFIG_SYNTAX, IO
 */
export function removeLegacyKeys(path: string, moved: ReadonlyMap<string, Token>): void {
  const present = readLegacyKeys(path).filter(
    ({ org, token }) => token !== undefined && moved.get(org)?.equals(token) === true,
  );
  if (present.length === 0) {
    return;
  }
  editConfig(path, (text) => present.reduce((rest, { org }) => removeTomlValue(rest, placeOf(org)), text));
}

function placeOf(org: string): readonly string[] {
  return ['organizations', org, 'api-key'];
}
