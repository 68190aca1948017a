import { parsePositionedToml } from '../../src/toml/positioned-toml.ts';
import { TomlSyntaxError } from '../../src/toml/syntax-error.ts';

/** Where `text` stops being TOML, or undefined when it is TOML. */
export function findSyntaxError(text: string): TomlSyntaxError | undefined {
  try {
    parsePositionedToml(text);
    return undefined;
  } catch (error) {
    if (error instanceof TomlSyntaxError) {
      return error;
    }
    throw error;
  }
}
