import { expect, TestRunner } from 'vitest';

/**
 * damaged: neither the old content nor the new, a wrong mode, a key lost, a command that cannot go on.
 * silent: success reported, and the old content still there.
 * stray: a temporary file that is there when it should not be.
 * unclear: a message that is untrue, calls the fault a bug, or holds a secret.
 */
export const PROBLEM_KINDS = ['damaged', 'silent', 'stray', 'unclear'] as const;

export interface Problem {
  readonly kind: (typeof PROBLEM_KINDS)[number];
  readonly text: string;
}

export interface RowResult extends Record<Problem['kind'], number> {
  readonly title: string;
  points: number;
}

declare module 'vitest' {
  interface TaskMeta {
    faultRow?: RowResult;
  }
}

/** For a test that is one point of a row, and says with assertions of its own what is wrong. */
export function countPoint(title: string): void {
  new FaultRow(title).point(title, []);
}

/** One line of the table at the end of the run: a kind of fault, tried at many points. Lines of one title are summed. */
export class FaultRow {
  readonly #result: RowResult;
  readonly #problems: string[] = [];

  constructor(title: string) {
    this.#result = { title, points: 0, damaged: 0, silent: 0, stray: 0, unclear: 0 };
    const test = TestRunner.getCurrentTest();
    if (test === undefined) {
      throw new Error('a row belongs to a test');
    }
    test.meta.faultRow = this.#result;
  }

  point(label: string, problems: readonly Problem[]): void {
    this.#result.points += 1;
    for (const kind of new Set(problems.map((problem) => problem.kind))) {
      this.#result[kind] += 1;
    }
    this.#problems.push(...problems.map(({ kind, text }) => `${label}: ${kind}: ${text}`));
  }

  /** Fails when a point had a problem, or when there were too few points for the row to mean anything. */
  close(fewest: number): void {
    expect(this.#problems).toEqual([]);
    expect(this.#result.points).toBeGreaterThanOrEqual(fewest);
  }
}
