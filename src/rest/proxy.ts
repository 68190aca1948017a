import { MesaAuthError } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Connections {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Ends what is still open; nothing waits for it. */
  readonly close: () => void;
}

/**
 * How to reach a URL: directly, or through the proxy that the environment names, which fetch in Node 20 knows nothing of.
 * @throws CONFIG_INVALID when HTTPS_PROXY is no URL
 */
export async function openConnections(url: string, env: Environment): Promise<Connections> {
  const proxy = proxyFor(url, env);
  if (proxy === undefined) {
    return { fetch, close: () => undefined };
  }
  const { ProxyAgent, fetch: fetchWith } = await import('undici');
  const dispatcher = new ProxyAgent(proxy);
  return {
    fetch: (target, init) => fetchWith(target, { ...(init as object), dispatcher }),
    close: () => void dispatcher.destroy().catch(() => undefined),
  };
}

/**
 * The proxy for a URL: HTTPS_PROXY for https, unless NO_PROXY excepts the host, both also in small letters as curl has
 * them. What is http goes to this machine alone, and through no proxy.
 */
export function proxyFor(url: string, env: Environment): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  const text = firstOf(env, 'https_proxy', 'HTTPS_PROXY');
  if (
    text === '' ||
    protocol !== 'https:' ||
    isExcepted(firstOf(env, 'no_proxy', 'NO_PROXY'), hostname, port)
  ) {
    return undefined;
  }
  const proxy = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:/i.test(proxy) || !URL.canParse(proxy)) {
    throw new MesaAuthError('CONFIG_INVALID', 'HTTPS_PROXY is not the URL of a proxy', {
      hint: 'set it as in http://proxy.example:3128, or unset it',
    });
  }
  return proxy;
}

/** As in curl(1), `--noproxy`: names with all below them, perhaps with a dot before and a port behind; `*` for all. */
function isExcepted(list: string, hostname: string, port: string): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      const [, name = '', entryPort] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      const isPort = entryPort === undefined || entryPort === (port === '' ? '443' : port);
      return name === '*' || (name !== '' && isPort && (hostname === name || hostname.endsWith(`.${name}`)));
    });
}

function firstOf(env: Environment, ...names: readonly string[]): string {
  return names.map((name) => env[name] ?? '').find((value) => value !== '') ?? '';
}
