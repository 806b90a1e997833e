/** Says after each step of a training how far it is, its smoothed loss, and, from the second on, how fast it goes. */
export function describeSteps(
  { steps, batch }: { readonly steps: number; readonly batch: number },
  now: () => number = () => performance.now(),
): (step: number, loss: number) => { readonly fraction: number; readonly text: string } {
  let smooth = Number.NaN;
  let first: { readonly step: number; readonly time: number } | undefined;
  return (step, loss) => {
    const time = now();
    smooth = Number.isNaN(smooth) ? loss : 0.98 * smooth + 0.02 * loss;
    first ??= { step, time }; // the first step also loads and compiles, so it counts for nothing
    const images = batch * (step - first.step);
    const speed = images > 0 ? `, ${((1000 * images) / (time - first.time)).toPrecision(3)} images a second` : '';
    return {
      fraction: (step - first.step + 1) / (steps - first.step + 1),
      text: `step ${step} of ${steps}, loss ${smooth.toFixed(4)}${speed}`,
    };
  };
}
