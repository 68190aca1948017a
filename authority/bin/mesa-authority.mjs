#!/usr/bin/env node
// Nothing is imported, and nothing written that an old Node cannot read, before the version is known.
const [major, minor] = process.version.slice(1).split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 17)) {
  void import('../dist/main.js')
    .then(({ run }) => run(process.argv.slice(2)))
    .then((status) => {
      process.exitCode = status;
    });
} else {
  process.stderr.write(
    `mesa-authority: Node ${process.version.slice(1)} is too old; mesa-authority needs Node 20.17 or newer\n`,
  );
  process.exitCode = 1;
}
