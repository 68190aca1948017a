/** `--org` and `--repo`, as given. */
export interface ScopeOptions {
  readonly org: string | undefined;
  readonly repo: string | undefined;
}
