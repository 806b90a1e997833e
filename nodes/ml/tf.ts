/**
 * The only door to TensorFlow.js. Registering all gradients is a side effect that `@tensorflow/tfjs-core` alone does
 * not have; a backend (native, WebGPU, wasm, plain JavaScript) is registered by the shell, see `device.ts`.
 */
import '@tensorflow/tfjs-core/dist/register_all_gradients';

export * from '@tensorflow/tfjs-core';
