import { defineNode, one } from '../defineNode.ts';
import { addEmbeddings } from '../ml/models/load/loadEmbeddings.ts';
import { file } from '../params.ts';
import { loadOptions } from './shared/loadOptions.ts';

export const loadEmbeddings = defineNode({
  type: 'model/load-embeddings',
  version: 1,
  title: 'Load embeddings',
  summary:
    "The same generator with textual inversions, which prompts name: embedding:name in ComfyUI's way, the name alone in stable-diffusion-webui's.",
  source: 'arXiv 2208.01618',
  inputs: { generator: one('generator') },
  params: {
    embeddings: file({
      initial: 'embeddings',
      accept: ['safetensors', 'pt', 'bin'],
      folder: true,
      help: 'A file, or a folder with all that is in it: of webui, ComfyUI or diffusers, for Stable Diffusion 1, 2 or XL. A name without a path is looked for beside the graph, then in the folder of models.',
    }),
  },
  outputs: { generator: 'generator' },
  files: (params) => [params.embeddings],
  run: async ({ generator }, { embeddings }, context) => ({
    generator: await addEmbeddings(context.files, embeddings, generator, loadOptions(context)),
  }),
});
