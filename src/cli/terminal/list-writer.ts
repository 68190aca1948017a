import { alignColumns, asciiJson, type Output } from '../../session/output.ts';

/** A long list on its way out, so that it never has to fit into memory. */
export interface ListWriter<T> {
  /** @throws OUTPUT_LOST */
  write(entries: readonly T[]): void;
  /** @throws OUTPUT_LOST */
  end(): void;
}

/** As a table, whose columns only grow. */
export function tableWriter(output: Output, heading: readonly string[]): ListWriter<readonly string[]> {
  const widths: number[] = [];
  return {
    write: (rows) => {
      if (rows.length > 0 && widths.length === 0) {
        output.table(heading, rows, widths);
      } else if (rows.length > 0) {
        output.data(`${alignColumns(rows, widths).join('\n')}\n`);
      }
    },
    end: () => undefined,
  };
}

/**
 * As one JSON document. A list that breaks off leaves it without its end, which no parser takes for a whole one.
 * @param document the members before the list, at least one
 * @param name the list's member
 */
export function jsonWriter(
  output: Output,
  document: Readonly<Record<string, unknown>>,
  name: string,
): ListWriter<Readonly<Record<string, unknown>>> {
  const before = asciiJson({ schema_version: 1, ...document }).replace(/\n\}$/, '');
  const head = `${before},\n  "${name}": [`;
  let isEmpty = true;
  return {
    write: (entries) => {
      if (entries.length > 0) {
        const texts = entries.map((entry) => asciiJson(entry).replace(/^/gm, '    '));
        output.data(`${isEmpty ? head : ','}\n${texts.join(',\n')}`);
        isEmpty = false;
      }
    },
    end: () => output.data(isEmpty ? `${head}]\n}\n` : '\n  ]\n}\n'),
  };
}
