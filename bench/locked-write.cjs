// The least that a locked, durable write costs: Node, one flock(1) on an inherited descriptor, and the replacement of a
// small file. `node bench/locked-write.cjs DIR`
const { spawn } = require('node:child_process');
const fs = require('node:fs');

const dir = process.argv[2];
const lock = fs.openSync(`${dir}/.lock`, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
const helper = spawn('/usr/bin/flock', ['-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', lock], env: {} });
helper.once('exit', () => {
  const dirFd = fs.openSync(dir, fs.constants.O_RDONLY);
  const fd = fs.openSync(`${dir}/.file.tmp`, 'w', 0o600);
  fs.writeSync(fd, 'x'.repeat(1_000));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(`${dir}/.file.tmp`, `${dir}/file`);
  fs.fsyncSync(dirFd);
  process.exit(0);
});
