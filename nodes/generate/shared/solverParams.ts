import { boolean, integer } from '../../params.ts';

/** How the scheduler dpm-v3 uses its statistics. */
export const solverParams = {
  order: integer({ initial: 2, min: 1, max: 3, help: 'Of the solver: 2 with guidance, 3 without.' }),
  corrector: boolean({
    initial: false,
    help: 'Each step corrects the one before, at no further call of the model: for guidance scales below 5.',
  }),
};
