import { aesthetic } from './aesthetic.ts';
import { checkpointFormats } from './checkpointFormats.ts';
import { clipHf } from './clipHf.ts';
import { clipOpenclip } from './clipOpenclip.ts';
import { dno } from './dno.ts';
import { dpmSolverV3Family } from './dpmSolverV3.ts';
import type { Family } from './family.ts';
import { fkSteering } from './fkSteering.ts';
import { imagereward } from './imagereward.ts';
import { kSamplers } from './kSamplers.ts';
import { lora } from './lora.ts';
import { policyUpdates } from './policyUpdates.ts';
import { preferenceLosses } from './preferenceLosses.ts';
import { preprocessing } from './preprocessing.ts';
import { promptWeights } from './promptWeights.ts';
import { renoTrajectory } from './renoTrajectory.ts';
import { schedulers } from './schedulers.ts';
import { smartControl } from './smartControl.ts';
import { spsaGc } from './spsaGc.ts';
import { stableDiffusionFamily } from './stableDiffusion.ts';
import { taesd } from './taesd.ts';
import { tinyControlNet } from './tinyControlNet.ts';
import { tinyEdm } from './tinyEdm.ts';
import { tinyGpt2 } from './tinyGpt2.ts';
import { zoRank } from './zoRank.ts';

/** Golden families by the name of their folder. */
export const families: Readonly<Record<string, Family>> = {
  aesthetic,
  'checkpoint-formats': checkpointFormats,
  'clip-hf': clipHf,
  'clip-openclip': clipOpenclip,
  dno,
  'dpm-solver-v3': dpmSolverV3Family,
  'fk-steering': fkSteering,
  imagereward,
  'k-samplers': kSamplers,
  lora,
  'policy-updates': policyUpdates,
  'preference-losses': preferenceLosses,
  preprocessing,
  'prompt-weights': promptWeights,
  'reno-trajectory': renoTrajectory,
  schedulers,
  'smart-control': smartControl,
  'spsa-gc': spsaGc,
  taesd,
  'tiny-sd-turbo': stableDiffusionFamily,
  'tiny-sd15': stableDiffusionFamily,
  'tiny-sdxl-turbo': stableDiffusionFamily,
  'tiny-controlnet': tinyControlNet,
  'tiny-edm': tinyEdm,
  'tiny-gpt2': tinyGpt2,
  'zo-rank': zoRank,
};
