// Loaded before mesa (node --require): when it ends, keeps what V8 has compiled of each file of the bundle until then.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const scripts = new Map();
vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    scripts.set(path.basename(options.filename), this);
  }
};
process.on('exit', () => {
  for (const [name, script] of scripts) {
    fs.writeFileSync(path.join(process.env.MESA_BUILD_COMPILED, `${name}.bin`), script.createCachedData());
  }
});
