import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Addresses are relative: the server says in <base> below which path it serves.
export default defineConfig({
  base: "./",
  plugins: [react()],
  worker: { format: "es" },
  build: {
    outDir: "../src/zaffre/api/static",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});
