import type { Generator } from '../../../nodes/ports.ts';

/** A generator that counts its forward passes: one a picture and a step, two with guidance. */
export function countCalls(generator: Generator): { readonly generator: Generator; readonly calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    generator: {
      ...generator,
      *denoise(request) {
        const each = request.noise.seeds.length * (request.settings.guidanceScale > 1 ? 2 : 1);
        const steps = generator.denoise(request);
        try {
          for (let step = steps.next(); ; step = steps.next()) {
            if (step.done) return step.value;
            calls += each;
            yield step.value;
          }
        } finally {
          steps.return(undefined as never); // where the reader left early; no more where it is done
        }
      },
    },
  };
}
