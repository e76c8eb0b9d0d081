// Node hook: loads a module of the provider's index when it is first asked for.
// jsii finds a type by walking the exports by name, so getters serve it as well as values.
// In our own app it also leaves out the stack trace that CDKTF takes for every token: it would name
// lines of CDKTF alone, and costs a sixth of the time that a stack takes.
// Ctrl-C, which a terminal sends to every process, is for Python to handle: Node ends when Python
// closes the pipe between them, and then removes the folder of temporary files that this run has.
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { isMainThread } = require("node:worker_threads");

const INDEX = /@cdkt[fn][\\/]provider-[^\\/]+[\\/]lib[\\/]index\.js$/;
// CDKTF's index reads `require("./x")`, that of CDK Terrain `__importStar(require("./x/index"))`.
const EXPORT = /^exports\.(\w+) = (?:__importStar\()?require\("(\.\/[\w\/-]+)"\)\)?;$/gm;
const TRACES = /lib[\\/]tokens[\\/]private[\\/]stack-trace\.js$/;
const compile = Module.prototype._compile;

const listen = process.on;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {});
}
process.on = function (event, ...rest) {
  return /^SIG(INT|TERM|HUP)$/.test(event) ? this : listen.call(this, event, ...rest);
};

const temporary = os.tmpdir();
const isKernel = /(jsii-runtime|program)\.js$/.test(process.argv[1] ?? "") && isMainThread;
if (isKernel && path.basename(temporary).startsWith("orgtrail-run-")) {
  // jsii may make its folder again after an interrupted Python has removed it. Its processes and
  // threads that make an index of a package end while the folder is in use.
  process.on("exit", () => fs.rmSync(temporary, { recursive: true, force: true }));
}

function changed(content, filename) {
  if (INDEX.test(filename)) {
    return content.replace(
      EXPORT,
      'Object.defineProperty(exports, "$1", ' +
        '{ enumerable: true, configurable: true, get: () => require("$2") });',
    );
  }
  if (process.env.ORGTRAIL_NO_TRACES && TRACES.test(filename)) {
    return content + "\nexports.captureStackTrace = () => [];\n";
  }
  return content;
}

Module.prototype._compile = function (content, filename, ...rest) {
  return compile.call(this, changed(content, filename), filename, ...rest);
};
