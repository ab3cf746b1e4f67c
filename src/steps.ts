/**
 * The steps of the protocol, published as they pass on the diagnostics channel `zep-import:step`: whoever observes an import from inside its
 * process (a profiler, a test that kills it there) subscribes to the channel. Without a subscriber a step costs one property read.
 */
import { channel } from 'node:diagnostics_channel';

/** `intending` is before the durable intent, `intended` behind it, `answered` behind the call, `recorded` behind the record of its outcome. */
export type Step =
  | `${'create' | 'add' | 'process'}.${'intending' | 'intended' | 'answered' | 'recorded'}`
  | `delete.${'intended' | 'answered'}`
  | `rebuild.${'intending' | 'intended' | 'deleted' | 'refilled' | 'recorded'}`
  | `settle.${'asking' | 'recorded'}`
  | `poll.${'asking' | 'answered' | 'recorded'}`
  | `marks.${'written' | 'recorded'}`
  | `migrate.${'applied' | 'recorded'}`
  | 'sort.written'
  | 'sort.merged'
  | 'sort.done'
  | 'sort.removed'
  | 'run.begun'
  | 'run.uploaded'
  | 'run.delivered';

const steps = channel('zep-import:step');

export function step(name: Step): void {
  if (steps.hasSubscribers) steps.publish(name);
}
