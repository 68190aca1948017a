type Places = Readonly<Record<string, readonly string[]>>;

export interface House {
  readonly root: string;
  readonly rooms: Places;
  readonly unrelated: readonly string[];
  readonly pure: Places;
  readonly packages: Places;
  readonly modules: Places;
  readonly writers: readonly string[];
  readonly globals: Places;
}
export const HOUSES: readonly [authority: House, cli: House];
/** What nearly every folder of src may import. */
export const BASE: readonly string[];
/** What the folders above it may import, too. */
export const BELOW_SESSION: readonly string[];
export const MOST_FILES: number;
