import type { GlobalSettings } from './global-settings.ts';

/** What git does with the keys of one host. */
export type Setup = 'changed' | 'unchanged';

// A helper that setup-git wrote, by whatever path and version of mesa.
const OURS = /^!.* auth git-credential(?: --mint)?(?: --config-path .*)?$/;

/**
 * Makes git ask mesa about a host, with the path of the repository, and nobody else. What is set for that host already
 * stays where it is: an empty helper makes git forget those before it, gitcredentials(7), and of several values of a
 * switch the last one counts.
 * @param apiUrl as `https://api.mesa.dev`
 * @param command the helper: `!mesa auth git-credential`
 */
export async function setUpGit(settings: GlobalSettings, apiUrl: string, command: string): Promise<Setup> {
  const { helper, useHttpPath } = namesFor(apiUrl);
  const before = await settings.valuesOf(helper);
  const switches = await settings.valuesOf(useHttpPath);
  const isSetUp = before.at(-1) === command && before.at(-2) === '' && countOurs(before) === 1;
  if (isSetUp && switches.at(-1) === 'true') {
    return 'unchanged';
  }
  if (!isSetUp) {
    await settings.replace(helper, before, withoutOurs(before));
    await settings.add(helper, '');
    await settings.add(helper, command);
  }
  // Also beside one that says the same: there is one to take away again then.
  if (switches.at(-1) !== 'true' || countOurs(before) === 0) {
    await settings.add(useHttpPath, 'true');
  }
  return 'changed';
}

/** Takes away what `setUpGit` added, and nothing else. */
export async function removeFromGit(settings: GlobalSettings, apiUrl: string): Promise<Setup> {
  const { helper, useHttpPath } = namesFor(apiUrl);
  const before = await settings.valuesOf(helper);
  if (countOurs(before) === 0) {
    return 'unchanged';
  }
  const switches = await settings.valuesOf(useHttpPath);
  if (switches.at(-1) === 'true') {
    await settings.replace(useHttpPath, switches, switches.slice(0, -1));
  }
  await settings.replace(helper, before, withoutOurs(before));
  return 'changed';
}

function namesFor(apiUrl: string): { readonly helper: string; readonly useHttpPath: string } {
  return { helper: `credential.${apiUrl}.helper`, useHttpPath: `credential.${apiUrl}.useHttpPath` };
}

function countOurs(helpers: readonly string[]): number {
  return helpers.filter((value) => OURS.test(value)).length;
}

/** Without our helpers and the empty one before each. */
function withoutOurs(helpers: readonly string[]): readonly string[] {
  return helpers.filter((value, index) => {
    const next = helpers[index + 1];
    return !OURS.test(value) && !(value === '' && next !== undefined && OURS.test(next));
  });
}
