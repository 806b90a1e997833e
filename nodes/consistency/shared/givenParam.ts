import { choice } from '../../params.ts';

/** What the condition images of a consistency are. */
export const givenParam = choice({
  initial: 'map',
  options: ['map', 'image'],
  help: 'What comes as condition image: the map itself, or an image whose map is to be kept.',
});

/** Version 1 of the nodes called an image a picture. */
export const givenUpgrades = {
  1: ({ given, ...params }: Readonly<Record<string, unknown>>) => ({
    ...params,
    ...(given !== undefined && { given: given === 'picture' ? 'image' : given }),
  }),
};
