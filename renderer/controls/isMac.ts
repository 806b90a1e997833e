/** Whether keys are named and pressed as on a Mac. */
export const isMac = navigator.platform.startsWith('Mac');
