/** No progress at all; the error that ends the run is told all the same, because silence would look like success. */
import { initialState } from './state.js';
import { createNarrator } from './narrator.js';
import type { Drawing, RendererParts } from './renderer.js';

export function createNone(parts: RendererParts): Drawing {
  const narrator = createNarrator({ quiet: true, verbose: false, chunks: false });
  const state = initialState(0);
  return {
    observe(event) {
      for (const line of narrator.tell(event, state)) parts.writer.write(`${line.text}\n`, true);
      if (event.type === 'summary') parts.writer.write(parts.summaryText(event.summary), true);
    },
    close: () => undefined,
  };
}
