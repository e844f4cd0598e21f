import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const SMALL = /[\\/]src[\\/](lib[\\/](format|snippets|filter|quote|slots|status|table)|kit[\\/](dialog|Code|Grid|lines)|routes[\\/]run[\\/](clock|Reference))\.tsx?$/;

// Addresses are relative: the server says in <base> below which path it serves.
export default defineConfig({
  base: "./",
  plugins: [react()],
  worker: { format: "es", rolldownOptions: { output: { entryFileNames: "assets/worker-[name]-[hash].js" } } },
  build: {
    outDir: "../src/zaffre/api/static",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // One file for what every page needs, one for what many do, one for what floats: each file costs a request, and
        // what is packed together is smaller.
        codeSplitting: {
          groups: [
            { name: "index", tags: ["$initial"], priority: 3 },
            { name: "shared", test: SMALL, priority: 3, includeDependenciesRecursively: false },
            { name: "floating", test: /[\\/]src[\\/]kit[\\/]floating\.tsx$/, priority: 2 },
            { name: "grammar", test: /[\\/]@lezer[\\/](common|lr|highlight)[\\/]|[\\/]src[\\/]kit[\\/]highlight\.ts$/, priority: 1 },
          ],
        },
      },
    },
  },
});
