import { describe, expect, it } from 'vitest';

import { mountNamespace } from '../../faults/support/namespace.ts';
import { builtMesa, NODE } from '../../support/run-mesa.ts';
import { documentOf, PASSPHRASE, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { COOKED, KEYS, openTerminal } from '../../support/terminal.ts';

const KEY = 'mesa_Lq8sN2pX9f2c';
const MASKED = 'mesa_****9f2c';

/** A home directory with a key, and scripts by name. */
function homeWith(scripts: Readonly<Record<string, string>> = {}): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  for (const [name, script] of Object.entries(scripts)) {
    home.write(name, script);
  }
  return home;
}

const EXEC = 'mesa auth exec --org acme';
const TRAP = 'trap "echo got-int; exit 37" INT\necho ready\nwhile :; do sleep 0.1; done\n';

describe.each([
  ['exec', EXEC],
  ['exec --mask', `${EXEC} --mask`],
])('%s on a terminal', (_, exec) => {
  it('gives the command that terminal, its size, and passes its exit status on', async () => {
    const terminal = openTerminal({
      home: homeWith({
        look: 'test -t 0 && test -t 1 && test -t 2 && echo "all three: $(stty size)"; exit 37\n',
      }),
    });
    expect(await terminal.run(`${exec} -- sh look`)).toBe(37);
    expect(terminal.screen()).toContain('all three: 50 120');
    expect(terminal.modes()).toEqual(COOKED);
  });

  it('lets Ctrl-C reach the command once, and waits for what it does then', async () => {
    const terminal = openTerminal({ home: homeWith({ loop: TRAP }) });
    terminal.type(`${exec} -- sh loop\r`);
    await terminal.waitFor('ready');
    terminal.type(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(37);
    expect(terminal.screen().split('got-int')).toHaveLength(2);
    expect(terminal.modes()).toEqual(COOKED);
  });

  it('ends as a command that Ctrl-C ended', async () => {
    const terminal = openTerminal({ home: homeWith({ loop: 'echo ready\nexec sleep 100\n' }) });
    terminal.type(`${exec} -- sh loop\r`);
    await terminal.waitFor('ready');
    terminal.type(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(130);
    expect(terminal.modes()).toEqual(COOKED);
  });

  it('hands SIGTERM on, and ends with its status', async () => {
    const terminal = openTerminal({
      home: homeWith({
        loop: 'trap "echo got-term; exit 5" TERM\necho ready\nwhile :; do sleep 0.1; done\n',
      }),
    });
    terminal.type(`${exec} -- sh loop\r`);
    await terminal.waitFor('ready');
    process.kill(terminal.foreground(), 'SIGTERM');
    expect(await terminal.ended()).toBe(5);
    expect(terminal.screen()).toContain('got-term');
    expect(terminal.modes()).toEqual(COOKED);
  });

  it('tells the command when the window changes its size', async () => {
    const terminal = openTerminal({
      home: homeWith({ size: 'trap "stty size" WINCH\necho ready\nwhile :; do sleep 0.1; done\n' }),
    });
    terminal.type(`${exec} -- sh size\r`);
    await terminal.waitFor('ready');
    terminal.resize(90, 33);
    await terminal.waitFor('33 90');
    terminal.type(KEYS.ctrlC);
    await terminal.ended();
  });

  it('lets the command set raw modes and see every key, and leaves none behind', async () => {
    const terminal = openTerminal({
      home: homeWith({
        'raw.cjs': `process.stdin.setRawMode(true);
process.stdin.on('data', (key) => { console.log('key', key[0]); process.stdin.setRawMode(false); process.exit(9); });
console.log('ready');`,
      }),
    });
    terminal.type(`${exec} -- '${process.execPath}' raw.cjs\r`);
    await terminal.waitFor('ready');
    terminal.type(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(9);
    expect(terminal.screen()).toContain('key 3');
    expect(terminal.modes()).toEqual(COOKED);
  });

  it('lets somebody answer what the command asks', async () => {
    const terminal = openTerminal({
      home: homeWith({ ask: 'printf "Your name, or m"\nread -r name\necho "<$name>"\n' }),
    });
    terminal.type(`${exec} -- sh ask\r`);
    await terminal.waitFor('Your name, or m');
    terminal.type('ada\r');
    await terminal.waitFor('<ada>');
    expect(await terminal.ended()).toBe(0);
  });
});

describe.each([
  ['exec', EXEC],
  ['exec --mask', `${EXEC} --mask`],
])('%s of a locked vault', (_, exec) => {
  it('asks for the passphrase, and then leaves the keyboard to the command', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': KEY }));
    home.write(
      'ask',
      'echo "what now"; read -r one; read -r two; echo "<$one-$two>"; stty -a | grep -o " echo "\n',
    );
    const terminal = openTerminal({ home });
    terminal.type(`${exec} -- sh ask\r`);
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    await terminal.waitFor('what now');
    terminal.type('first\rsecond\r');
    await terminal.waitFor('<first-second>');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.modes()).toEqual(COOKED);
  });
});

describe('exec on a terminal', () => {
  it('stops with the command on Ctrl-Z, and goes on with it', async () => {
    const terminal = openTerminal({ home: homeWith({ ask: 'echo ready\nread -r name\necho "<$name>"\n' }) });
    terminal.type(`${EXEC} -- sh ask\r`);
    await terminal.waitFor('ready');
    terminal.type(KEYS.ctrlZ);
    await terminal.waitFor(/Stopped[^]*\n\$$/);
    terminal.clear();
    terminal.type('fg\r');
    await terminal.waitFor(/fg\n/);
    terminal.type('ada\r');
    await terminal.waitFor('<ada>');
    expect(await terminal.ended()).toBe(0);
  });

  it('leaves what the command did to the terminal as the command left it', async () => {
    const terminal = openTerminal({ home: homeWith() });
    await terminal.run(`${EXEC} -- stty -echo`);
    expect(terminal.modes()).toMatchObject({ icanon: true, echo: false });
  });
});

// Only there can a program be taken away from one command alone.
const namespace = mountNamespace();

describe('exec --mask on a terminal', () => {
  it.runIf(namespace !== undefined)(
    'says what is missing where there is no script(1), and runs nothing',
    async () => {
      const hide = [
        'mount -t tmpfs none /mnt',
        'mkdir /mnt/upper /mnt/work',
        'mount -t overlay none -o lowerdir=/usr/bin,upperdir=/mnt/upper,workdir=/mnt/work /usr/bin',
        'rm /usr/bin/script',
      ].join(' && ');
      const home = homeWith({ alone: `${hide} && "$@"\n` });
      const terminal = openTerminal({ home });
      const mesa = `'${NODE}' '${builtMesa()}' auth exec --org acme`;
      const under = `${(namespace ?? []).join(' ')} sh alone ${mesa}`;
      expect(await terminal.run(`${under} --mask -- echo ran`)).toBe(1);
      expect(terminal.screen()).toContain(
        'mesa: cannot mask what goes to the terminal: script(1) is not installed\nhint: install util-linux',
      );
      expect(terminal.screen()).not.toMatch(/^ran/m);
      expect(await terminal.run(`${under} --mask -- echo ran | cat`)).toBe(0);
      expect(terminal.screen()).toMatch(/^ran/m);
    },
  );

  it('hides the key however it is written, in two halves too, and keeps the rest', async () => {
    const home = homeWith({
      show: `half=\${MESA_API_KEY%9f2c}
echo "before $MESA_API_KEY after"
printf '%s' "$half"; sleep 0.3; echo 9f2c
printf 't:%s' "$MESA_API_KEY" | base64
echo "error $MESA_API_KEY" >&2
`,
    });
    const terminal = openTerminal({ home });
    expect(await terminal.run(`${EXEC} --mask -- sh show`)).toBe(0);
    expect(terminal.screen()).toContain(`before ${MASKED} after`);
    expect(terminal.screen()).toContain(`error ${MASKED}`);
    expect(terminal.received()).not.toContain(KEY.slice(5, 13));
    expect(terminal.received()).not.toContain(Buffer.from(`t:${KEY}`).toString('base64').slice(4, 16));
  });

  it('keeps standard error apart where that is a file, and standard input where that is a pipe', async () => {
    const home = homeWith({
      show: 'test -t 1 && echo terminal; test -t 2 || echo "none: $MESA_API_KEY" >&2; cat\n',
    });
    const terminal = openTerminal({ home });
    expect(await terminal.run(`echo piped | ${EXEC} --mask -- sh show 2>err`)).toBe(0);
    expect(terminal.screen()).toMatch(/terminal\n+piped/);
    expect(terminal.screen()).not.toContain('none:');
    expect(await terminal.run('cat err')).toBe(0);
    expect(terminal.screen()).toContain(`none: ${MASKED}`);
  });

  it('leaves the keyboard to the reader of a pipe', async () => {
    const home = homeWith({ show: 'echo "key $MESA_API_KEY"; test -t 0 && echo terminal\n' });
    const terminal = openTerminal({ home });
    expect(
      await terminal.run(
        `${EXEC} --mask -- sh show | { read -r line; read -r typed </dev/tty & echo "$line"; }`,
      ),
    ).toBe(0);
    expect(terminal.screen()).toContain(`key ${MASKED}`);
  });

  it('keeps arguments, the shell variable and odd characters as they are', async () => {
    const home = homeWith({ show: `printf '[%s]' "$@" "$SHELL"\n` });
    const terminal = openTerminal({ home, env: { SHELL: '/usr/bin/fi sh' } });
    expect(await terminal.run(`${EXEC} --mask -- sh show "a b" '$HOME' "it's" '\\' '*' ''`)).toBe(0);
    expect(terminal.screen()).toContain(`[a b][$HOME][it's][\\][*][][/usr/bin/fi sh]`);
  });
});
