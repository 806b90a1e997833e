import { describe, expect, it } from 'vitest';
import { readGraph } from '../../graphs/document/read.ts';
import { applyOverrides } from '../../graphs/edit/overrides.ts';
import { prepareRun } from '../../graphs/engine/engine.ts';
import { sampleParams } from '../../nodes/generate/shared/sampleParams.ts';
import { library } from '../../nodes/index.ts';
import { schedulerAliases, schedulerConfig, schedulerNames } from '../../nodes/ml/diffusion/schedulers.ts';
import { allows, optionOf, paramFromWire, parseParam } from '../../nodes/params.ts';

const { scheduler } = sampleParams;
const known = {
  euler: ['euler', 'Euler', 'k_euler', 'EulerDiscreteScheduler', 'sample_euler'],
  'euler-ancestral': [
    'euler_a',
    'Euler a',
    'euler_ancestral',
    'k_euler_a',
    'k_euler_ancestral',
    'EulerAncestralDiscreteScheduler',
  ],
  heun: ['heun', 'Heun', 'HeunDiscreteScheduler'],
  dpm2: ['dpm_2', 'DPM2', 'KDPM2DiscreteScheduler'],
  'dpm2-ancestral': ['dpm_2_ancestral', 'DPM2 a'],
  lms: ['lms', 'LMS', 'LMSDiscreteScheduler'],
  ddim: ['DDIM', 'ddim', 'DDIMScheduler'],
  'dpm++2s-ancestral': ['dpmpp_2s_ancestral', 'DPM++ 2S a'],
  'dpm++sde': ['dpmpp_sde', 'DPM++ SDE', 'dpmpp_sde_gpu'],
  'dpm++2m-sde': ['dpmpp_2m_sde', 'DPM++ 2M SDE'],
  'dpm++2m-sde-heun': ['dpmpp_2m_sde_heun', 'DPM++ 2M SDE Heun'],
  'dpm++3m-sde': ['dpmpp_3m_sde', 'DPM++ 3M SDE'],
  'res-multistep': ['res_multistep'],
  ddpm: ['ddpm', 'DDPMScheduler'],
  'dpm++2m': ['dpmpp_2m', 'DPM++ 2M', 'k_dpmpp_2m', 'DPMSolverMultistepScheduler', 'dpm++_2m'],
  'dpm++2m-karras': ['DPM++ 2M Karras', 'dpmpp_2m_karras', 'k_dpmpp_2m_ka'],
  lcm: ['LCM', 'LCMScheduler'],
  unipc: ['uni_pc', 'UniPC', 'UniPCMultistepScheduler'],
  'unipc-bh2': ['uni_pc_bh2'],
  'unipc-karras': ['UniPC Karras', 'uni_pc_karras'],
  pndm: ['PLMS', 'plms', 'PNDMScheduler'],
  'flow-euler': ['FlowMatchEulerDiscreteScheduler', 'flow_euler'],
};
const lacking = [
  'dpm_fast',
  'dpm_adaptive',
  'euler_cfg_pp',
  'euler_ancestral_cfg_pp',
  'deis',
  'ipndm',
  'ddim_uniform',
  'sgm_uniform',
  'karras',
  'simple',
  'TCDScheduler',
  'EDMEulerScheduler',
  'ddim_cfg_pp',
  'ddpm2',
  '',
  '--',
];

describe('the names of samplers', () => {
  it.each(Object.entries(known))('of other programs mean %s', (option, names) => {
    for (const name of names) {
      expect(parseParam(scheduler, name), name).toBe(option);
      expect(paramFromWire(scheduler, name), name).toBe(option);
    }
  });

  it('mean one sampler each, whose class is the one of that name', () => {
    expect(Object.keys(schedulerAliases).sort()).toEqual([...schedulerNames].sort());
    for (const [option, names] of Object.entries(schedulerAliases))
      for (const name of names) {
        expect(optionOf(scheduler, name), name).toBe(option);
        const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
        const { _class_name } = schedulerConfig(
          option === 'flow-euler' ? flow : { _class_name: 'DDIMScheduler' },
          option,
        );
        // A sampler of k-diffusion has no class of diffusers here.
        if (name.endsWith('Scheduler')) expect([name, 'KSampler'], name).toContain(_class_name);
      }
  });

  it('that are not here are said to be lacking, and no other is proposed', () => {
    for (const name of lacking) {
      expect(allows(scheduler, parseParam(scheduler, name)), name).toBe(false);
      const text = JSON.stringify({
        format: 'noiseloom-graph',
        version: 2,
        title: '',
        nodes: { s: { type: 'generate/sample', version: 1 } },
      });
      const { problems } = prepareRun(
        readGraph(text, library).document,
        { overrides: { 's.scheduler': name } },
        library,
      );
      expect(problems[0]!.message).toContain(
        `the param scheduler cannot be "${name}". Noiseloom has none of that name. It must be one of "model"`,
      );
    }
  });

  it.each([
    ['DPM++ SDE Karras', 'dpm++sde', 'karras'],
    ['DPM++ 2S a Karras', 'dpm++2s-ancestral', 'karras'],
    ['DPM++ 2M SDE Exponential', 'dpm++2m-sde', 'exponential'],
    ['DPM++ 2M SGMUniform', 'dpm++2m', 'sgm-uniform'],
    ['Euler Karras', 'euler', 'karras'],
    ['heun_beta', 'heun', 'beta'],
  ])('%s means a sampler and a schedule', (name, scheduler, schedule) => {
    const node = { type: 'generate/sample', version: 1 };
    const read = (params: object) =>
      readGraph(
        JSON.stringify({ format: 'noiseloom-graph', version: 2, title: '', nodes: { s: { ...node, params } } }),
        library,
      ).document;
    expect(read({ scheduler: name }).nodes.s!.params).toEqual({ scheduler, schedule });
    const overridden = applyOverrides(read({}), { 's.scheduler': name }, library);
    expect(overridden.nodes.s!.params).toEqual({ scheduler, schedule });
  });

  it('are put right where a graph is read, and what is not known stays as it is', () => {
    const node = { type: 'generate/sample', version: 1, params: { scheduler: 'DPM++ 2M', steps: 3 } };
    const strange = { ...node, params: { scheduler: 'deis' } };
    const text = JSON.stringify({ format: 'noiseloom-graph', version: 2, title: '', nodes: { node, strange } });
    const { document, problems } = readGraph(text, library);
    expect(document.nodes.node!.params).toEqual({ scheduler: 'dpm++2m', steps: 3 });
    expect(document.nodes.strange!.params).toEqual({ scheduler: 'deis' });
    expect(problems.filter(({ code }) => code === 'BAD_PARAM').map(({ at }) => at.node)).toEqual(['strange']);
  });
});
