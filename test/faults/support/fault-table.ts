import type { Reporter, TestModule } from 'vitest/node';

import { PROBLEM_KINDS, type RowResult } from './fault-row.ts';

const NUMBER_WIDTH = 8;

/** Prints, after everything else, one line per row of faults: how many were tried and what they did. */
export class FaultTableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const byTitle = new Map<string, RowResult>();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { faultRow } = test.meta();
        if (faultRow !== undefined) {
          const failed =
            test.result().state === 'failed' && PROBLEM_KINDS.every((kind) => faultRow[kind] === 0);
          add(byTitle, failed ? { ...faultRow, damaged: 1 } : faultRow);
        }
      }
    }
    const rows = [...byTitle.values()];
    if (rows.length === 0) {
      return;
    }
    const width = Math.max(...rows.map((row) => row.title.length));
    const line = (title: string, numbers: readonly (string | number)[]): string =>
      title.padEnd(width) + numbers.map((number) => String(number).padStart(NUMBER_WIDTH)).join('') + '\n';
    const total = (of: (row: RowResult) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
    process.stdout.write(
      [
        '\n',
        line('fault', ['points', ...PROBLEM_KINDS]),
        ...rows
          .toSorted((a, b) => (a.title < b.title ? -1 : 1))
          .map((row) => line(row.title, [row.points, ...PROBLEM_KINDS.map((kind) => row[kind])])),
        line('total', [
          total((row) => row.points),
          ...PROBLEM_KINDS.map((kind) => total((row) => row[kind])),
        ]),
      ].join(''),
    );
  }
}

function add(byTitle: Map<string, RowResult>, row: RowResult): void {
  const present = byTitle.get(row.title);
  if (present === undefined) {
    byTitle.set(row.title, { ...row });
    return;
  }
  for (const column of ['points', ...PROBLEM_KINDS] as const) {
    present[column] += row[column];
  }
}
