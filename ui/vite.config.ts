/// <reference types="vitest/config" />
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const OUT = resolve(import.meta.dirname, '../src/pharos/api/static');
const COMPRESSIBLE = /\.(js|css|html|svg|json)$/;

/** Writes `.br` and `.gz` beside every text asset, so that the server sends bytes it never has to compress. */
function precompress(): Plugin {
  return {
    name: 'pharos-precompress',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(OUT, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !COMPRESSIBLE.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const raw = readFileSync(path);
        if (raw.length < 1024) continue;
        writeFileSync(
          `${path}.br`,
          brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
        );
        writeFileSync(`${path}.gz`, gzipSync(raw, { level: 9 }));
      }
    },
  };
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const server = process.env.PHAROS_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react(), precompress()],
  resolve: {
    alias: [
      // CodeMirror writes its rules through style-mod; ours uses constructed sheets, which a strict CSP allows.
      { find: /^style-mod$/, replacement: resolve(import.meta.dirname, 'src/vendor/style-mod.ts') },
      {
        find: 'style-mod-original',
        replacement: resolve(import.meta.dirname, 'node_modules/style-mod/src/style-mod.js'),
      },
    ],
  },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': server, '/-': server, '/metrics': server },
  },
  preview: {
    host: '127.0.0.1',
    // The policy that the server sends, so that a preview shows what it would forbid.
    headers: { 'Content-Security-Policy': POLICY },
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
