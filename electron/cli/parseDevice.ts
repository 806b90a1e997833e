import { didYouMean } from '../../graphs/document/suggest.ts';
import { type DevicePreference, deviceNames } from '../../nodes/ml/deviceNames.ts';
import { UsageError } from './usageError.ts';

/** Reads `--device`. Throws UsageError with the devices there are. */
export function parseDevice(text: string): DevicePreference {
  const preferences = ['auto', ...deviceNames] as const;
  const found = preferences.find((name) => name === text);
  if (found) return found;
  throw new UsageError(
    `There is no device "${text}".${didYouMean(text, preferences)} The devices are ${preferences.join(', ')}.`,
  );
}
