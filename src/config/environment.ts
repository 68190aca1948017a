import { apiUrlOfDomain, parseApiUrl } from '../core/api-url.ts';
import { MesaAuthError } from '../errors.ts';
import type { Config } from './config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the environment wants no configuration file to be read (`MESA_NO_CONFIG_FILE`; 0 and empty count as unset). */
export function readsNoFile(env: Environment): boolean {
  return !['', '0'].includes(env['MESA_NO_CONFIG_FILE'] ?? '');
}

/**
 * The configuration with what the environment says of the API, which comes before what the file says: `MESA_API_URL`, else
 * `MESA_SERVICE_DOMAIN`. Empty ones count as unset.
 * @throws CONFIG_INVALID
 */
export function withEnvironment(config: Config, env: Environment): Config {
  const url = env['MESA_API_URL'] ?? '';
  const domain = env['MESA_SERVICE_DOMAIN'] ?? '';
  if (url === '' && domain === '') {
    return config;
  }
  const fromDomain = domain === '' ? undefined : apiUrlOfDomain(domain);
  if (domain !== '' && fromDomain === undefined) {
    throw new MesaAuthError('CONFIG_INVALID', 'MESA_SERVICE_DOMAIN is not a host name', {
      hint: 'set it as in corp.example, or unset it',
    });
  }
  const apiUrl = url === '' ? fromDomain : parseApiUrl(url);
  if (apiUrl === undefined) {
    throw new MesaAuthError(
      'CONFIG_INVALID',
      'MESA_API_URL is not an https URL of a host (http only for 127.0.0.1 and localhost)',
      { hint: 'set it as in https://api.example.com, or unset it' },
    );
  }
  const serviceDomain = domain === '' ? config.serviceDomain : domain;
  const isSame = serviceDomain !== undefined && apiUrlOfDomain(serviceDomain) === apiUrl;
  return { ...config, apiUrl, serviceDomain: isSame ? serviceDomain : undefined };
}
