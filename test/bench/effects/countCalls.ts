import type { Consistency, Generator } from '../../../nodes/ports.ts';

/**
 * A generator that counts its forward passes: one an image and a step, two with classifier-free guidance, and again as many
 * in steps that a consistency guides.
 */
export function countCalls(generator: Generator): { readonly generator: Generator; readonly calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    generator: {
      ...generator,
      *denoise(request) {
        const passes = request.settings.guidanceScale > 1 ? 2 : 1;
        const each = request.noise.seeds.length * passes;
        const { guidance } = request;
        const counted = guidance && {
          ...guidance,
          consistency: countLosses(guidance.consistency, () => (calls += each)),
        };
        const steps = generator.denoise(counted ? { ...request, guidance: counted } : request);
        try {
          for (let step = steps.next(); ; ) {
            if (step.done) return step.value;
            calls += step.value.latents.shape[0] * passes; // rows that were chosen since
            step = steps.next(yield step.value);
          }
        } finally {
          steps.return(undefined as never); // where the reader left early; no more where it is done
        }
      },
    },
  };
}

function countLosses(consistency: Consistency, count: () => void): Consistency {
  return {
    ...consistency,
    loss(pixels, condition) {
      count();
      return consistency.loss(pixels, condition);
    },
  };
}
