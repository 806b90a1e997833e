import { type OutputValues, output } from '../../defineNode.ts';
import { type CandidateSource, disposeCandidate } from '../../ml/optimise/drawCandidates.ts';
import type { Searched } from '../../ml/optimise/searchNoise.ts';
import { candidateOutputs } from './candidateOutputs.ts';
import { searchTrace } from './searchImages.ts';

/** The outputs of every search without gradients. */
export const foundPorts = {
  images: output('images', { help: 'The best images of the whole search, best first.' }),
  noise: output('noise', { help: 'What they were drawn from.' }),
  scores: output('scores', { help: 'Their scores, by the rewards and the watched ones.' }),
  trace: output('trace', { help: 'Every round: means over its images, and the best so far.' }),
} as const;

/** The values of those outputs; takes ownership of the candidates. */
export function foundOutputs(found: Searched, source: CandidateSource): OutputValues<typeof foundPorts> {
  const [prompt = ''] = source.request.prompts;
  try {
    return { ...candidateOutputs(found.best, source), trace: searchTrace(found, prompt) };
  } finally {
    found.best.forEach(disposeCandidate);
  }
}
