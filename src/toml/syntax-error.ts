/** A syntax error, without the parser's message: that quotes the offending lines, secrets included. */
export class TomlSyntaxError extends Error {
  override readonly name = 'TomlSyntaxError';
  /** Both from 1. */
  readonly line: number;
  readonly column: number;

  constructor(line: number, column: number) {
    super(`invalid TOML at ${line}:${column}`);
    this.line = line;
    this.column = column;
  }
}
