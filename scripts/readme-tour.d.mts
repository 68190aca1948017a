export interface TourStep {
  readonly command: string;
  /** Standard output and standard error. */
  readonly output: string;
}
export interface RanStep extends TourStep {
  /** Undefined where the shell ended before it could be told. */
  readonly status: number | undefined;
}
export interface BlockOptions {
  /** Further variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Makes the same what differs from run to run, beyond dates, times and process ids. */
  readonly settle?: (text: string) => string;
}
export function parseTour(readme: string, mark?: string): TourStep[][];
/** @throws {Error} where mesa is not built */
export function runBlock(
  block: readonly TourStep[],
  options?: BlockOptions,
): { readonly ran: readonly RanStep[]; readonly difference: string | undefined };
