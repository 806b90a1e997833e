import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type InlineConfig } from 'vite';

/** How the window is bundled: for Chromium as it is in Electron 42 and newer browsers, with nothing inline. */
export function windowConfig(root: string): InlineConfig {
  return {
    configFile: false,
    root: join(root, 'renderer'),
    base: './',
    publicDir: false,
    logLevel: 'warn',
    build: {
      outDir: join(root, 'out', 'renderer'),
      emptyOutDir: true,
      target: 'chrome123',
      assetsInlineLimit: 0, // the content policy allows no data: scripts or fonts
      modulePreload: { polyfill: false },
      sourcemap: true,
      chunkSizeWarningLimit: 2_000,
      rolldownOptions: {
        onLog(level, log, handler) {
          if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log); // "use client" means nothing here
        },
      },
    },
  };
}

export default defineConfig(windowConfig(fileURLToPath(new URL('..', import.meta.url))));
