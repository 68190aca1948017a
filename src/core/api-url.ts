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
  return isHost && HOSTNAME.test(url.hostname) && /^https?:\/\/[^/?#@\\\s]+(?:\/v1)?\/?$/i.test(text)
    ? url.origin
    : undefined;
}

/** As the URL parser writes it. It takes more than that for a host: quotes, for instance. */
const HOSTNAME = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/;

/** The API of a service domain: `https://api.<domain>`. Undefined for what is no domain. */
export function apiUrlOfDomain(domain: string): string | undefined {
  return DOMAIN.test(domain) ? parseApiUrl(`https://api.${domain}`) : undefined;
}

/** What a store may hold as the API of a key: anything that could be one, written by hand, too. Not every such text is one. */
export const API_TEXT = /^[!#-[\]-~]{1,300}$/;

/**
 * Whether a key may be sent to an API: it was stored for that one, or by a version that did not note for which.
 * @param key with the API that it was stored for, if that is known; a text that is no API is none of any
 */
export function isForApi({ api }: { readonly api: string | undefined }, apiUrl: string): boolean {
  return api === undefined || api === apiUrl || parseApiUrl(api) === apiUrl;
}

const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?$/;

/** As the URL parser writes such hosts: `0x7f.1` is `127.0.0.1` by then. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
