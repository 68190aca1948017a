export interface TourStep {
  readonly command: string;
  /** Standard output and standard error. */
  readonly output: string;
}
export function parseTour(readme: string, mark?: string): TourStep[][];
export function runTour(
  steps: readonly Pick<TourStep, 'command'>[],
  env?: Readonly<Record<string, string>>,
): TourStep[];
