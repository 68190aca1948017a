export interface TourStep {
  readonly command: string;
  /** Standard output and standard error. */
  readonly output: string;
}
export function parseTour(readme: string): TourStep[][];
export function runTour(steps: readonly TourStep[]): TourStep[];
