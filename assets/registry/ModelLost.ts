/** The file of a model cannot be read any more. What it was fitted to is gone, so that fitting again gives another model. */
import * as Schema from "effect/Schema"

export class ModelLost extends Schema.TaggedError<ModelLost>()("ModelLost", {
  version: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The file of the model ${this.version} is gone or damaged. Serve another one with assets model promote (assets model list tells which there are), or begin anew with assets wipe model_champion`
  }
}
