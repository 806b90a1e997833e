import { choice } from '../../params.ts';

/** What the condition pictures of a consistency are. */
export const givenParam = choice({
  initial: 'map',
  options: ['map', 'picture'],
  help: 'What comes as condition picture: the map itself, or a picture whose map is to be kept.',
});
