import type { KSampler } from './kSampler.ts';
import { dpm2 } from './kSamplers/dpm2.ts';
import { dpm2Ancestral } from './kSamplers/dpm2Ancestral.ts';
import { dpmpp2m } from './kSamplers/dpmpp2m.ts';
import { dpmpp2mSde, dpmpp2mSdeHeun } from './kSamplers/dpmpp2mSde.ts';
import { dpmpp2sAncestral } from './kSamplers/dpmpp2sAncestral.ts';
import { dpmpp3mSde } from './kSamplers/dpmpp3mSde.ts';
import { dpmppSde } from './kSamplers/dpmppSde.ts';
import { euler } from './kSamplers/euler.ts';
import { eulerAncestral } from './kSamplers/eulerAncestral.ts';
import { heun } from './kSamplers/heun.ts';
import { lcm } from './kSamplers/lcm.ts';
import { lms } from './kSamplers/lms.ts';
import { resMultistep } from './kSamplers/resMultistep.ts';
import { uniPc, uniPcBh2 } from './kSamplers/uniPc.ts';

/** Samplers in noise levels by the names of `schedulers.ts`. */
export const kSamplers: Readonly<Record<string, KSampler>> = {
  euler,
  'euler-ancestral': eulerAncestral,
  heun,
  dpm2,
  'dpm2-ancestral': dpm2Ancestral,
  lms,
  'dpm++2s-ancestral': dpmpp2sAncestral,
  'dpm++sde': dpmppSde,
  'dpm++2m': dpmpp2m,
  'dpm++2m-sde': dpmpp2mSde,
  'dpm++2m-sde-heun': dpmpp2mSdeHeun,
  'dpm++3m-sde': dpmpp3mSde,
  ddim: euler,
  ddpm: eulerAncestral,
  lcm,
  'res-multistep': resMultistep,
  unipc: uniPc,
  'unipc-bh2': uniPcBh2,
};
