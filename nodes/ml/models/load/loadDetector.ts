import type { Files } from '../../../files.ts';
import type { Tensor4D } from '../../tf.ts';
import type { Weights } from '../../weights/weights.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import { hed, hedShapes, hedWidths } from '../hed.ts';
import { type ImageUNetConfig, imageUNet, imageUNetConfig, imageUNetShapes } from '../imageUNet.ts';
import { lineDrawing, lineDrawingConfig, lineDrawingShapes } from '../lineDrawing.ts';
import type { MemoryOptions, Shapes } from '../unetBlocks.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { findWeights, nameOf, readConfig } from './modelFolder.ts';

/** A network that says something of every pixel of an image. */
export interface DetectorNetwork {
  readonly name: string;
  /** Bytes of weights held. */
  readonly bytes: number;
  /** [N, H, W, 3] in [0, 1] -> [N, H, W, C]; differentiable. The caller owns the result. */
  detect(pixels: Tensor4D): Tensor4D;
  dispose(): void;
}

/**
 * Loads the HED of ControlNet (ControlNetHED.pth). The caller owns it, here and below. Throws UserError `NOT_FOUND`,
 * `WRONG_WEIGHTS`, `NOT_ENOUGH_MEMORY` and what reading throws.
 */
export async function loadHed(files: Files, location: string, options: LoadOptions = {}): Promise<DetectorNetwork> {
  const checkpoint = await openFile(files, location);
  return loadNetwork('HED', checkpoint, hedShapes(hedWidths(checkpoint)), hed, options);
}

/** Loads the generator of Informative Drawings (model.pth, sk_model.pth). */
export async function loadLineDrawing(
  files: Files,
  location: string,
  options: LoadOptions = {},
): Promise<DetectorNetwork> {
  const checkpoint = await openFile(files, location);
  const config = lineDrawingConfig(checkpoint);
  const build = (weights: Weights, memory: MemoryOptions) => lineDrawing(weights, config, memory);
  return loadNetwork('line drawing network', checkpoint, lineDrawingShapes(config), build, options);
}

/** Loads a folder with the config.json and the weights of an ImageUNet. Throws UserError `BAD_CONFIG` as well. */
export async function loadImageUNet(
  files: Files,
  location: string,
  options: LoadOptions = {},
): Promise<DetectorNetwork & { readonly config: ImageUNetConfig }> {
  const folder = await files.locate(location);
  const config = imageUNetConfig(await readConfig(files, folder));
  const checkpoint = await openWhole(files, await findWeights(files, folder));
  const build = (weights: Weights) => imageUNet(weights, config);
  const network = await loadNetwork('ImageUNet', checkpoint, imageUNetShapes(config), build, options);
  return { ...network, name: nameOf(folder), config };
}

async function openFile(files: Files, location: string): Promise<WholeFile> {
  return openWhole(files, await files.locate(location));
}

async function loadNetwork(
  title: string,
  checkpoint: WholeFile,
  shapes: Shapes,
  build: (weights: Weights, memory: MemoryOptions) => (pixels: Tensor4D) => Tensor4D,
  options: LoadOptions,
): Promise<DetectorNetwork> {
  const name = nameOf(checkpoint.path);
  const { weights, bytes, dispose } = await loadParts(
    name,
    { network: { title, checkpoint, shapes, file: checkpoint } },
    options,
  );
  return { name, bytes, detect: build(weights.network, { recompute: true, ...options.memory }), dispose };
}
