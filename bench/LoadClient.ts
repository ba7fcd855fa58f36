/**
 * The client of the bench `serve`, a process of its own: asks for users at random over so many connections, each waiting for
 * its answer, and tells its parent how many a second were answered and the 99th percentile of the waits in milliseconds.
 */
import * as Http from "node:http"

/** What to ask: `{user}` in the URL stands for one of so many. */
export interface Load {
  readonly url: string
  readonly users: number
  readonly connections: number
  readonly seconds: number
}

export interface Answered {
  readonly perSecond: number
  readonly p99: number
}

const run = async ({ connections, seconds, url, users }: Load): Promise<Answered> => {
  const agent = new Http.Agent({ keepAlive: true, maxSockets: connections })
  const waits: Array<number> = []
  const until = performance.now() + seconds * 1000
  const ask = (path: string) =>
    new Promise<void>((resolve, reject) => {
      Http.get(path, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${path} was answered by ${response.statusCode}`))
        response.resume().on("end", resolve)
      }).on("error", reject)
    })
  const worker = async () => {
    while (performance.now() < until) {
      const start = performance.now()
      await ask(url.replace("{user}", String(1 + Math.floor(Math.random() * users))))
      waits.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
  waits.sort((left, right) => left - right)
  return { perSecond: waits.length / seconds, p99: waits[Math.floor(waits.length * 0.99)]! }
}

process.on("message", (load: Load) => void run(load).then((answered) => process.send!(answered)))
process.on("disconnect", () => process.exit())
// Ctrl-C is for the parent.
process.on("SIGINT", () => {})
