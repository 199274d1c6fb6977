/// <reference types="vitest/config" />
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
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

const FIRST_LOAD_BYTES = 100_000;

/**
 * Says how much script, compressed, a browser must have before anything is drawn, and fails when that is too much.
 * It is the entry with all that it imports, as it is written; pages and dialogs come when they are opened.
 */
function firstLoad(): Plugin {
  return {
    name: 'pharos-first-load',
    apply: 'build',
    writeBundle({ dir = OUT }, bundle) {
      const wanted = Object.values(bundle).flatMap((one) =>
        one.type === 'chunk' && one.isEntry ? [one.fileName] : [],
      );
      const seen = new Set<string>();
      let bytes = 0;
      for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
        const chunk = bundle[name];
        if (chunk?.type !== 'chunk' || seen.has(name)) continue;
        seen.add(name);
        wanted.push(...chunk.imports);
        const size = brotliCompressSync(readFileSync(join(dir, name))).length;
        if (process.env.PHAROS_CHUNKS)
          for (const [id, { renderedLength }] of Object.entries(chunk.modules))
            if (renderedLength > 1500) console.log(name, renderedLength, id.replace(/.*node_modules/, ''));
        bytes += size;
      }
      this.info(`the first load is ${(bytes / 1000).toFixed(1)} kB of script in ${seen.size} files (brotli)`);
      if (bytes > FIRST_LOAD_BYTES) this.error(`the first load is over ${FIRST_LOAD_BYTES / 1000} kB`);
    },
  };
}

/**
 * Has fetched beside the entry what every page asks for once the entry runs: the list of what comes after the frame, and
 * what pages share, which is large and so comes behind all that the frame needs.
 */
function fetchedBeside(): Plugin {
  return {
    name: 'pharos-fetched-beside',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle = {} }) {
        const chunks = Object.values(bundle).flatMap((one) => (one.type === 'chunk' ? [one] : []));
        return (['far', 'shared'] as const).map((name) => {
          const found = chunks.find((one) => one.name === name);
          if (!found) throw new Error(`there is no chunk ${name}`);
          const attrs = { rel: 'modulepreload', crossorigin: true, href: `/${found.fileName}` };
          return {
            tag: 'link',
            attrs: name === 'shared' ? { ...attrs, fetchpriority: 'low' } : attrs,
            injectTo: 'head' as const,
          };
        });
      },
    },
  };
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const server = process.env.PHAROS_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react(), firstLoad(), fetchedBeside(), precompress()],
  resolve: {
    alias: [
      // React has had this hook itself for years; what some packages bring for older ones need not be loaded.
      { find: /^use-sync-external-store\/shim$/, replacement: 'react' },
      {
        find: /^use-sync-external-store\/shim\/with-selector(\.js)?$/,
        replacement: resolve(import.meta.dirname, 'src/vendor/with-selector.ts'),
      },
      // No page uses these, and what they are imported for cannot leave them out.
      {
        find: /^\.\/(scroll-restoration|infiniteQueryBehavior|mutationCache)\.js$/,
        replacement: resolve(import.meta.dirname, 'src/vendor/unused.ts'),
      },
      // CodeMirror writes its rules through style-mod; ours uses constructed sheets, which a strict CSP allows.
      { find: /^style-mod$/, replacement: resolve(import.meta.dirname, 'src/vendor/style-mod.ts') },
      {
        find: 'style-mod-original',
        replacement: resolve(import.meta.dirname, 'node_modules/style-mod/src/style-mod.js'),
      },
    ],
  },
  css: { modules: { generateScopedName: (name, file) => `${basename(file, '.module.css')}-${name}` } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // One file for what the first load needs of packages: it packs better than several, and is kept by browsers
        // when only our own code changed.
        codeSplitting: {
          groups: [
            {
              name: 'react',
              priority: 2,
              test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store|clsx|@tanstack\/(react-|query-|router-)?(query|router|core|history|store|react-store)[^/]*)\//,
            },
            // The frame, and what it shares with pages: one file packs better than several.
            {
              name: 'frame',
              priority: 2,
              test: /\/ui\/src\/(api\/(client|calls|useAsked)|address\/|design\/(Icon|IconButton|hooks|scheme|stored|value|toasts|tenants)\.|time\/durations|session\/session|shell\/(Shell|Sidebar|Banner|TenantPlace|shortcuts|tenant|useServer|Crash)\.|(pages|router|later)\.ts)/,
            },
            // What five pages and dialogs share: a page then comes in some twenty files instead of seventy, and no more bytes.
            { name: 'shared', priority: 1, minShareCount: 5 },
          ],
        },
      },
    },
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
