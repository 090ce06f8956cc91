// Every npm script that runs TypeScript loads this file first, since an older Node fails there with an unclear error. Such
// a Node runs the scripts if npm did not install the package `node`, which it does not with the option ignore-scripts.

const process = require('process');
const { devDependencies } = require('./package.json');

const needed = /\d+/.exec(devDependencies.node)[0];
if (parseInt(process.versions.node) < parseInt(needed)) {
  process.stderr.write(
    `This is Node ${process.versions.node}, but the project needs Node ${needed}: ` +
      'run `npm ci --ignore-scripts=false --include=dev`, which brings it, or install it yourself.\n',
  );
  process.exit(1);
}
