/** In the order of preference of 'auto'. */
export const deviceNames = ['cuda', 'native', 'webgpu', 'wasm', 'cpu'] as const;
export type DeviceName = (typeof deviceNames)[number];
export type DevicePreference = 'auto' | DeviceName;
