import { defineNode, list, one, optional, output } from '../defineNode.ts';
import { chooseStreams } from '../ml/noiseStream.ts';
import { balance, crowdingDistance, hypervolume, nonDominated, type Point } from '../ml/pareto.ts';
import { gather, tensor1d } from '../ml/tf.ts';
import { choice, integer, text } from '../params.ts';
import { referencePoint } from './shared/referencePoint.ts';
import { requireRows } from './shared/requireRows.ts';

/** The order of a front: the extremes and then the least crowded, the most balanced, or as given. */
const ranks = {
  crowding: crowdingDistance,
  knee: balance,
  'as they came': (front: readonly Point[]) => front.map(() => 0),
};

export const pareto = defineNode({
  type: 'select/pareto',
  version: 1,
  title: 'Pareto front',
  summary:
    'Keeps the images that no other image beats in one score without losing in another, and says how large a volume of scores they dominate.',
  source: 'arXiv 2401.05675, section 4.2; NSGA-II, doi 10.1109/4235.996017',
  inputs: {
    images: one('images'),
    scores: one('scores', { help: 'One row for each image, in the same order; higher is better.' }),
    noise: optional('noise', { help: 'What the images were drawn from, to keep that of the front.' }),
  },
  params: {
    limit: integer({
      initial: 0,
      min: 0,
      max: 10_000,
      words: { all: 0 },
      help: 'The most images to keep; all keeps the whole front.',
    }),
    order: choice({
      initial: 'crowding',
      options: ['crowding', 'knee', 'as they came'],
      help: 'What comes first and is kept: the extremes and those with most room around them, those that are best balanced, or as they came.',
    }),
    reference: text({
      initial: '0',
      help: 'The point above which volume counts: a number for all scores, or one each, with commas.',
    }),
  },
  outputs: {
    images: 'images',
    scores: 'scores',
    noise: list('noise', { help: 'That of the front in one batch; none where none is connected.' }),
    hypervolume: output('number', { help: 'Of the whole front, above the reference point.' }),
  },
  run({ images, scores, noise }, { limit, order, reference }) {
    const count = images.labels.length;
    requireRows(count, scores.values.length, 'scores');
    if (noise) requireRows(count, noise.seeds.length, 'noise');
    const above = referencePoint(reference, scores.names);
    const front = nonDominated(scores.values);
    const rank = ranks[order](front.map((row) => scores.values[row]!));
    const places = front.map((_, place) => place).sort((a, b) => (rank[a] === rank[b] ? a - b : rank[b]! - rank[a]!));
    const kept = places.slice(0, limit || places.length).map((place) => front[place]!);
    const indices = tensor1d(kept, 'int32');
    try {
      return {
        images: { pixels: gather(images.pixels, indices), labels: kept.map((row) => images.labels[row]!) },
        scores: {
          names: scores.names,
          values: kept.map((row) => scores.values[row]!),
          labels: kept.map((row) => scores.labels[row]!),
        },
        noise: noise
          ? [
              {
                latents: gather(noise.latents, indices),
                ...chooseStreams(noise, kept),
              },
            ]
          : [],
        hypervolume: hypervolume(scores.values, above),
      };
    } finally {
      indices.dispose();
    }
  },
});
