import type { SettingsFile } from './settings-file.ts';

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
export async function setUpGit(settings: SettingsFile, apiUrl: string, command: string): Promise<Setup> {
  const { helper, useHttpPath } = namesFor(apiUrl);
  const before = await settings.valuesOf(helper);
  const switches = await settings.valuesOf(useHttpPath);
  const isSetUp = before.at(-1) === command && before.at(-2) === '' && countOurs(before) === 1;
  if (isSetUp && switches.at(-1) === 'true') {
    return 'unchanged';
  }
  if (!isSetUp) {
    await removeOurs(settings, helper, before);
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
export async function removeFromGit(settings: SettingsFile, apiUrl: string): Promise<Setup> {
  const { helper, useHttpPath } = namesFor(apiUrl);
  const before = await settings.valuesOf(helper);
  if (countOurs(before) === 0) {
    return 'unchanged';
  }
  await removeOurs(settings, helper, before);
  const last = (await settings.valuesOf(useHttpPath)).length - 1;
  await settings.removeSome(useHttpPath, 'true', (index) => index === last);
  return 'changed';
}

function namesFor(apiUrl: string): { readonly helper: string; readonly useHttpPath: string } {
  return { helper: `credential.${apiUrl}.helper`, useHttpPath: `credential.${apiUrl}.useHttpPath` };
}

function countOurs(helpers: readonly string[]): number {
  return helpers.filter((value) => OURS.test(value)).length;
}

/** Takes away our helpers and the empty one before each. */
async function removeOurs(settings: SettingsFile, name: string, helpers: readonly string[]): Promise<void> {
  await settings.removeSome(name, '', (index) => OURS.test(helpers[index + 1] ?? ''));
  for (const ours of new Set(helpers.filter((value) => OURS.test(value)))) {
    await settings.remove(name, ours);
  }
}
