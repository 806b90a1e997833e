import { type NumberParam, number } from '../../params.ts';

/** The weight of a reward where an optimiser adds several up; `initial` is ReNO's. Source: arXiv 2406.04312, its code's defaults */
export function weightParam(initial: number, note = ''): NumberParam {
  return number({
    initial,
    min: -1000,
    max: 1000,
    step: initial,
    help: `How much it counts where an optimiser adds rewards up; its own scores are never multiplied by it. ReNO's is ${initial}${note}.`,
  });
}

/** Upgrades graphs of a node's first version, in which every reward had weight 1. */
export const weightOfOne = { 1: (params: Readonly<Record<string, unknown>>) => ({ ...params, weight: 1 }) };
