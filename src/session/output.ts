import { escapeText } from '../core/escape-text.ts';
import { describeErrno, errnoOf, MesaAuthError } from '../errors.ts';
import type { Host, OutputStream } from '../platform/host.ts';
import { paint, wantsColor, type Style } from './style.ts';

/** Data to stdout, everything else to stderr. */
export class Output {
  readonly #host: Host;
  readonly #warned = new Set<string>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Data, exactly as given. @throws OUTPUT_LOST when nobody can read it */
  data(text: string): void {
    try {
      this.#host.stdout.write(text);
    } catch (error) {
      if (errnoOf(error) === undefined) {
        throw error;
      }
      throw new MesaAuthError('OUTPUT_LOST', `cannot write to standard output: ${describeErrno(error)}`, {
        cause: error,
      });
    }
  }

  /** One JSON document on stdout. Only ASCII leaves, so that no control character reaches a terminal. */
  json(document: Readonly<Record<string, unknown>>): void {
    this.data(`${asciiJson({ schema_version: 1, ...document })}\n`);
  }

  /** Rows as left-aligned columns under a heading, on stdout. @param widths see alignColumns */
  table(heading: readonly string[], rows: readonly (readonly string[])[], widths?: number[]): void {
    this.data(`${this.#formatTable(this.#host.stdout, heading, rows, widths)}\n`);
  }

  /** The same for the person, on stderr. */
  noteTable(heading: readonly string[], rows: readonly (readonly string[])[]): void {
    this.#stderr(this.#formatTable(this.#host.stderr, heading, rows));
  }

  #formatTable(
    stream: OutputStream,
    heading: readonly string[],
    rows: readonly (readonly string[])[],
    widths?: number[],
  ): string {
    const [first = '', ...rest] = alignColumns([heading, ...rows], widths);
    return [this.#style(stream, 'bold', first), ...rest].join('\n');
  }

  /** One line for the person, on stderr. */
  note(text: string): void {
    this.#stderr(escapeText(text));
  }

  hint(text: string): void {
    this.#stderr(`${this.#style(this.#host.stderr, 'cyan', 'hint:')} ${escapeText(text)}`);
  }

  /**
   * Once, however often a command comes across the same thing.
   * @param thing what it is about, where that is not the text itself
   */
  warn(text: string, thing = text): void {
    if (this.#warned.has(thing)) {
      return;
    }
    this.#warned.add(thing);
    this.#stderr(`${this.#style(this.#host.stderr, 'yellow', 'mesa: warning:')} ${escapeText(text)}`);
  }

  error(text: string): void {
    this.#stderr(`${this.#style(this.#host.stderr, 'red', 'mesa:')} ${escapeText(text)}`);
  }

  #stderr(line: string): void {
    try {
      this.#host.stderr.write(`${line}\n`);
    } catch (error) {
      // Nobody reads messages; the exit status still tells.
      if (errnoOf(error) === undefined) {
        throw error;
      }
    }
  }

  #style(stream: OutputStream, style: Style, text: string): string {
    return wantsColor(this.#host.env, stream.isTerminal) ? paint(style, text) : text;
  }
}

/** Indented JSON in ASCII alone. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * One line for each row, its cells escaped and as wide as their column.
 * @param widths of the columns at least; they grow with the rows, for those that follow
 */
export function alignColumns(rows: readonly (readonly string[])[], widths: number[] = []): readonly string[] {
  const cells = rows.map((row) => row.map(escapeText));
  for (const row of cells) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return cells.map((row) =>
    row
      .map((cell, column) => (column < row.length - 1 ? cell.padEnd((widths[column] ?? 0) + 2) : cell))
      .join(''),
  );
}
