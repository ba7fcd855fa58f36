/** A server that cannot have its address, as the project's commands tell of it. */
import * as Data from "effect/Data"

export class CannotListen extends Data.TaggedError("CannotListen")<{
  readonly host: string
  readonly port: number
  /** The operating system's, such as `EADDRINUSE`. */
  readonly code: string
}> {
  override get message(): string {
    const address = `${this.host}:${this.port}`
    switch (this.code) {
      case "EADDRINUSE":
        return `Port ${this.port} is in use on ${this.host}. Stop what listens there, or choose another with --port.`
      case "EACCES":
        return `Not allowed to listen on ${address}. Choose a port of 1024 or above with --port.`
      default:
        return `Cannot listen on ${address} (${this.code}).`
    }
  }
}
