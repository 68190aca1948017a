import { describeUnknownSetting } from '../config/describe-setting.ts';
import { SETTINGS } from '../config/settings.ts';
import { MesaAuthError } from '../errors.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** Names in `[secrets]` that nobody reads. */
export function checkSettings({ config }: Pick<Examined, 'config'>): readonly Finding[] {
  if (config instanceof MesaAuthError) {
    return [];
  }
  const { file = '', unknownSettings } = config;
  return unknownSettings.map((setting) => ({
    check: 'settings',
    severity: 'warning',
    what: describeUnknownSetting(file, setting),
    why: 'what it should change is as if that line were not there',
    mend:
      setting.meant === undefined
        ? `delete that line, or write one of ${SETTINGS.join(', ')}`
        : `write ${setting.meant} there`,
  }));
}
