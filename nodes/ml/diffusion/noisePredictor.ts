import type { NoisePredictor } from '../../ports.ts';
import { add, mul, type Tensor4D } from '../tf.ts';
import type { DenoisingModel } from './denoise.ts';
import { isEdm } from './edm.ts';
import { alphaSigma, logSnr } from './logSnr.ts';
import { positiveAlphasCumprod } from './noiseSchedule.ts';
import { noiseCoefficients } from './prediction.ts';
import type { SchedulerConfig } from './scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from './settings.ts';
import { lambdaGrid } from './solverIntegrals.ts';

/** Whether a model was trained on the timesteps of a variance-preserving process, on which solver statistics stand. */
export function isVariancePreserving(config: SchedulerConfig): boolean {
  return (
    !isEdm(config) &&
    !String(config._class_name).startsWith('FlowMatch') &&
    config.prediction_type !== 'flow_prediction'
  );
}

/** The noise that a model predicts at any noise level of its training. `dispose` frees what the model holds. */
export function noisePredictor(config: SchedulerConfig, model: DenoisingModel, dispose: () => void): NoisePredictor {
  const settings = readSettings(config, trainedDefaults, trainedAllowed);
  const snr = logSnr(positiveAlphasCumprod(settings));
  return {
    lambdas: (grid) => lambdaGrid(snr, grid),
    predict(x, lambda) {
      const [ofX, ofOutput] = noiseCoefficients(settings.prediction_type, ...alphaSigma(lambda));
      const output = model.predict(x, { index: 0, steps: 1, timestep: snr.count * snr.timeAt(lambda) - 1 });
      return ofX === 0 ? mul<Tensor4D>(output, ofOutput) : add<Tensor4D>(mul(x, ofX), mul(output, ofOutput));
    },
    dispose,
  };
}
