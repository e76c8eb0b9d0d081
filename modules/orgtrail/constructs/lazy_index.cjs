// Node hook: loads a module of the provider's index when it is first asked for.
// jsii finds a type by walking the exports by name, so getters serve it as well as values.
"use strict";
const Module = require("node:module");

const INDEX = /@cdkt[fn][\\/]provider-[^\\/]+[\\/]lib[\\/]index\.js$/;
const EXPORT = /^exports\.(\w+) = require\("(\.\/[\w-]+)"\);$/gm;
const compile = Module.prototype._compile;

Module.prototype._compile = function (content, filename, ...rest) {
  const lazy = INDEX.test(filename)
    ? content.replace(
        EXPORT,
        'Object.defineProperty(exports, "$1", ' +
          '{ enumerable: true, configurable: true, get: () => require("$2") });',
      )
    : content;
  return compile.call(this, lazy, filename, ...rest);
};
