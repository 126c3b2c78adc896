/** Builds the page into one file that needs nothing else, with the hashes of its script and style as its policy. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'";

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** What the licences of the libraries in the page want to be said in it. */
function notices(): string {
  return ["dagre", "graphlib"].map((name) => {
    const text = readFileSync(new URL(`node_modules/@dagrejs/${name}/LICENSE`, import.meta.url), "utf8");
    return `${name}\n\n${text.trim()}`;
  }).join("\n\n");
}

function oneFile(): Plugin {
  return {
    name: "one-file",
    enforce: "post",
    generateBundle(_, bundle) {
      let script = "";
      let style = "";
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === "chunk") script += part.code;
        else if (name.endsWith(".css")) style += part.source;
        if (!name.endsWith(".html")) delete bundle[name];
      }
      script = `\n${script.trim().replaceAll("</script", "<\\/script")}\n`;
      style = `\n${style.trim()}\n`;
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("the build has no index.html");
      const policy = `${POLICY}; script-src ${hash(script)}; style-src ${hash(style)}`;
      const html = String(page.source)
        .replace(/\s*<script type="module"[^>]*><\/script>/, "")
        .replace(/\s*<link rel="stylesheet"[^>]*>/, "")
        .replace('<meta charset="utf-8">', () => `<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="${policy}">`)
        .replace("<head>", () => `<!--\nThis page contains:\n\n${notices()}\n-->\n<head>`)
        .replace("</head>", () => `<style>${style}</style>\n</head>`)
        .replace("</body>", () => `<script>${script}</script>\n</body>`);
      delete bundle["index.html"];
      this.emitFile({ type: "asset", fileName: "page.html", source: html });
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [oneFile()],
  build: {
    outDir: "../src/pullback/view/page",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    target: "es2022",
    rollupOptions: { output: { format: "iife" } },
  },
  test: { include: ["test/**/*.test.ts"] },
});
