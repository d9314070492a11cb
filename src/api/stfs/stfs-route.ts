/** `/v1/models`, and of one model what Simple TensorFlow Serving has; its `/v1/models/NAME` is TensorFlow Serving's status here. */
const TARGET = /^\/v1\/models(?:\/[^/:?]+\/(?:detail|gen_json|gen_client))?\/?(?:\?|$)/i;

/** Whether a target below `/v1/` that is not posted to is Simple TensorFlow Serving's. */
export function isStfsTarget(target: string): boolean {
  return TARGET.test(target);
}
