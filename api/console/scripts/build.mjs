// Makes dist/: the files that are part of the program. They are committed, so that
// building the program needs no npm.
import { build } from "esbuild";
import { copyFile, mkdir, rename } from "node:fs/promises";

const root = new URL("..", import.meta.url).pathname;

await mkdir(`${root}dist`, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: { console: "src/main.tsx", "console-style": "src/style/console.css" },
  outdir: "dist",
  entryNames: "[name]",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});
// The style has the script's name, but esbuild gives two entry points two names.
await rename(`${root}dist/console-style.css`, `${root}dist/console.css`);
for (const name of ["index.html", "icon.svg"]) await copyFile(`${root}src/${name}`, `${root}dist/${name}`);
