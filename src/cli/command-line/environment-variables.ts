import { CI_VARIABLES, CONTAINER_VARIABLES } from '../../onboarding/probe.ts';

export interface EnvironmentVariable {
  readonly name: string;
  /** Others of the same effect, which the description names. */
  readonly also?: readonly string[];
  readonly description: string;
}

const [CI = 'CI', ...OTHER_CI] = CI_VARIABLES;
const [CONTAINER = 'container', ...OTHER_CONTAINER] = CONTAINER_VARIABLES;

/** Every variable that mesa reads, and one that it does not read but feels. A test holds this list to the sources. */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  {
    name: 'MESA_VAULT_PASSPHRASE',
    description: "the vault's passphrase, in UTF-8, instead of a question; empty counts as unset",
  },
  {
    name: 'MESA_VAULT_PASSPHRASE_FILE',
    description:
      'a file that holds the passphrase instead; both at once are an error, as of the others with _FILE',
  },
  {
    name: 'MESA_NEW_VAULT_PASSPHRASE',
    description: 'the new passphrase for change-passphrase, instead of a question; empty counts as unset',
  },
  { name: 'MESA_NEW_VAULT_PASSPHRASE_FILE', description: 'a file that holds the new passphrase instead' },
  {
    name: 'MESA_ORGS',
    description: '<org>:<token>[,...]: registers the tokens, then the command goes on',
  },
  { name: 'MESA_ORGS_FILE', description: 'a file that holds what MESA_ORGS would' },
  { name: 'MESA_API_KEY', description: 'a key that comes before the store' },
  { name: 'MESA_API_KEY_FILE', description: 'a file that holds the key instead' },
  {
    name: 'MESA_ORG',
    description: 'the organization to work for, and the one that MESA_API_KEY is for',
  },
  {
    name: 'MESA_API_URL',
    description:
      'where the API and the git server are, as http://127.0.0.1:4477; before the configuration; exec sets it for the command',
  },
  {
    name: 'MESA_SERVICE_DOMAIN',
    description: 'the domain of self-hosted services: the API is at https://api.<domain>; after MESA_API_URL',
  },
  {
    name: 'MESA_NO_CONFIG_FILE',
    description: '1: no configuration file is read but one that --config-path names',
  },
  {
    name: 'MESA_API_KEY_EXPIRES_AT',
    description:
      'set by exec for the command: when its key ends, as 2026-11-21T10:00:00.000Z, where that is known',
  },
  { name: 'MESA_DEBUG', description: '1 adds stack frames to errors, never values' },
  {
    name: 'HOME',
    description:
      'where keys and configuration are kept; unset: from the password database; empty or relative: refused',
  },
  {
    name: 'XDG_DATA_HOME',
    description: 'keys in $XDG_DATA_HOME/mesa instead of ~/.local/share/mesa, when it is absolute (Linux)',
  },
  {
    name: 'XDG_CONFIG_HOME',
    description: 'first place to search for mesa/config.toml, when it is absolute (Linux)',
  },
  {
    name: 'XDG_RUNTIME_DIR',
    description: "the unlock agent's socket lies in its directory mesa; unset: with the keys (Linux)",
  },
  { name: 'PATH', description: 'where git is found, the command of exec, and for setup-git mesa itself' },
  { name: 'SHELL', description: 'the command of exec --mask finds it as it is' },
  {
    name: 'GIT_CONFIG_GLOBAL',
    description: "git's; the settings that setup-git changes instead of ~/.gitconfig",
  },
  {
    name: 'GIT_TERMINAL_PROMPT',
    description: "git's; 0, false, no or off: no passphrase is asked for when git asks for a key",
  },
  {
    name: 'HTTPS_PROXY',
    description: 'the proxy through which the API is reached; also https_proxy, which wins',
  },
  {
    name: 'NO_PROXY',
    description: 'hosts that are reached without it, separated by commas; also no_proxy, which wins',
  },
  { name: 'NO_COLOR', description: 'not empty: no colours' },
  {
    name: 'FORCE_COLOR',
    description: 'colours also without a terminal, and before NO_COLOR; 0 or false: none',
  },
  {
    name: CI,
    also: OTHER_CI,
    description: `or ${OTHER_CI.join(', ')}: the wizard takes this for a CI job and recommends plaintext-file`,
  },
  {
    name: CONTAINER,
    also: OTHER_CONTAINER,
    description: `or ${OTHER_CONTAINER.join(', ')}: the wizard takes this for a container`,
  },
  {
    name: 'NODE_OPTIONS',
    description: "Node's; reports, inspector and heap snapshots stay off, since they show the memory",
  },
  {
    name: 'NODE_DEBUG',
    description: "Node's; mesa prints nothing for it, the command of exec gets it",
  },
  {
    name: 'NODE_TLS_REJECT_UNAUTHORIZED',
    description: "Node's; with 0, no key is sent to a server, since anybody could answer",
  },
  {
    name: 'NODE_EXTRA_CA_CERTS',
    description: "Node's; makes every start of Node 20 three times as slow: unset it for mesa",
  },
];
