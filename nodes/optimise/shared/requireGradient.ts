import { UserError } from '../../errors.ts';
import type { Generator, Reward } from '../../ports.ts';

/** Refuses a generator or reward that gives no gradient. Throws UserError `NOT_DIFFERENTIABLE`. */
export function requireGradient(
  optimiser: string,
  { generator, rewards }: { readonly generator?: Generator; readonly rewards: readonly Reward[] },
): void {
  if (generator && !generator.differentiable)
    throw notDifferentiable(`The generator "${generator.name}" gives no gradient`, optimiser, 'generator');
  const broken = rewards.filter(({ differentiable }) => !differentiable).map(({ name }) => `"${name}"`);
  if (broken.length === 0) return;
  const which = broken.length > 1 ? `The rewards ${broken.join(', ')} give` : `The reward ${broken[0]} gives`;
  throw notDifferentiable(`${which} no gradient`, optimiser, 'rewards');
}

function notDifferentiable(what: string, optimiser: string, port: 'generator' | 'rewards'): UserError {
  const watch = port === 'rewards' ? ', or connect it to "watch", where it is only scored' : '';
  const message = `${what}, so ${optimiser} cannot optimise it. Use FIND (optimise/find) or best of N (optimise/best-of-n), which need none${watch}.`;
  return new UserError('NOT_DIFFERENTIABLE', message, { at: { port } });
}
