/**
 * Where the API is, as people write it: `https://api.mesa.dev`, or with the `/v1` that Mesa's SDK wants behind it. Keys
 * are sent there, so it is https; http only to this machine itself, as for a server that is being tried.
 * @returns scheme, host and, where it is not the default one, port: `http://127.0.0.1:4477`; undefined for anything else
 */
export function parseApiUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHost =
    url !== undefined &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)));
  return isHost && /^https?:\/\/[^/?#@\\\s]+(?:\/v1)?\/?$/i.test(text) ? url.origin : undefined;
}

/** The API of a service domain: `https://api.<domain>`. Undefined for what is no domain. */
export function apiUrlOfDomain(domain: string): string | undefined {
  return DOMAIN.test(domain) ? parseApiUrl(`https://api.${domain}`) : undefined;
}

const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?$/;

/** As the URL parser writes such hosts: `0x7f.1` is `127.0.0.1` by then. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
