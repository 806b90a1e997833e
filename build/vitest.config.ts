import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { bundleTensorflow } from './tensorflow.ts';
import { TestReport } from './testReport.ts';

/** Chromium's software Vulkan driver, so that WebGPU is tested on machines without a graphics card. */
const SOFTWARE_VULKAN = '/usr/lib/chromium/vk_swiftshader_icd.json';
const vulkan = process.env.VK_ICD_FILENAMES ?? (existsSync(SOFTWARE_VULKAN) ? SOFTWARE_VULKAN : undefined);

const tensorflow = await bundleTensorflow();

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  resolve: {
    alias: Object.entries(tensorflow).map(([specifier, file]) => ({
      find: new RegExp(`^${specifier}(\\.js)?$`),
      replacement: file,
    })),
  },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    exclude: ['test/e2e/**'], // see vitest.windows.config.ts
    ...(vulkan && { env: { VK_ICD_FILENAMES: vulkan } }),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } }, // as long as a busy machine takes
    reporters: ['default', new TestReport()],
    maxWorkers: Math.max(2, availableParallelism() - 1), // much of a test waits
    pool: 'forks', // TensorFlow's addon keeps one state per process: no worker threads
    server: { deps: { external: [/out\/tensorflow\//] } },
  },
});
