import type { RandomStream } from '../random.ts';
import type { Scene } from './scene.ts';
import { colourNames, numbers, plural, relations, shapes } from './words.ts';

/**
 * A caption of the same task that is not true of the scene: another shape, colour, count or relation, or the colours of
 * two objects exchanged.
 */
export function falseCaption({ caption, objects, task }: Scene, random: RandomStream): string {
  const shapesHere = objects.map(({ shape }) => shape);
  const wrongShape = () => swap(random, caption, shapes, shapesHere);
  const wrongColour = () =>
    swap(
      random,
      caption,
      colourNames,
      objects.map(({ colour }) => colour),
    );
  const coin = random.uniform() < 0.5;
  switch (task) {
    case 'single':
    case 'two':
      return wrongShape();
    case 'counting':
      return coin
        ? swap(random, caption, Object.values(numbers), [numbers[objects.length as keyof typeof numbers]])
        : swap(random, caption, shapes.map(plural), shapesHere.map(plural));
    case 'colours':
      return coin ? wrongShape() : wrongColour();
    case 'position':
      return coin
        ? wrongShape()
        : swap(
            random,
            caption,
            relations,
            relations.filter((relation) => caption.includes(relation)),
          );
    case 'attribution': {
      const [a, b] = [objects[0]!, objects[1]!];
      if (coin) return wrongColour();
      return caption.replace(/\b\w+ (\w+) and an? \w+ (\w+)/, `${b.colour} $1 and a ${a.colour} $2`);
    }
  }
}

/** One of `words` that the caption holds becomes one that is not `present`. */
function swap(random: RandomStream, caption: string, words: readonly string[], present: readonly string[]): string {
  const others = words.filter((word) => !present.includes(word));
  const gone = random.shuffle(words.filter((word) => new RegExp(`\\b${word}\\b`).test(caption)))[0]!;
  return caption.replace(new RegExp(`\\b${gone}\\b`), random.shuffle(others)[0]!);
}
