/** A node as graph files hold it. */
export function storedNode(type: string, params: object, inputs: object = {}) {
  return { type, version: 1, params, inputs, position: [0, 0] };
}
