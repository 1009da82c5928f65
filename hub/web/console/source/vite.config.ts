// Builds the console into ../built: hashed names, each file beside its gzip and brotli forms, and a manifest that the hub reads.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const OUT = "../built";
const SMALL = 1024;

/** Compresses once what would else be compressed on each request. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      const folder = join(import.meta.dirname, OUT, "assets");
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        const content = readFileSync(path);
        if (content.length < SMALL || /\.(gz|br)$/.test(name)) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: quality }));
      }
    },
  };
}

/** Leaves out what GraphiQL tells screen readers of a setting that is not there. */
function unsaid(): Plugin {
  return {
    name: "unsaid",
    transform: (code, id) => (id.endsWith("graphiql/dist/ui/sidebar.js") ? code.replace("adjust header persistence, ", "adjust ") : null),
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [compressed(), unsaid()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: "manifest.json",
    license: { fileName: "licences.md" },
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 8192,
    rolldownOptions: { input: join(import.meta.dirname, "src/main.ts"), checks: { moduleLevelDirective: false } },
  },
  worker: { format: "es" },
});
