/** The experiments that the service carries out, and that can be read out; who ends one reads it out before taking it away. */
import * as Experiment from "./Experiment.ts"

const randomisedSlots = Experiment.make("randomised-slots", {
  description:
    "What it costs to leave 2 % of the places to chance, by which tracks that no model would show are learnt about",
  arms: {
    control: { share: 0.1 },
    explored: { share: 0.9, explores: 0.02 }
  }
})

export const running = Experiment.together(randomisedSlots)
