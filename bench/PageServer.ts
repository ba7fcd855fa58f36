/**
 * The source of the bench `ingest`, a process of its own: pages of users made beforehand, each answered after 20 ms. Tells
 * its parent the port, and ends with it.
 */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Contract from "../assets/source/Contract.ts"
import * as RandomWorld from "../assets/source/RandomWorld.ts"

const [pages, size, delay] = process.argv.slice(2).map(Number) as [number, number, number]
const world = RandomWorld.make({ seed: 1, users: pages * size, tracks: 1 })
const answers = new Map(
  Array.from({ length: pages }, (_, index) => {
    const url = `/users?page=${index + 1}&size=${size}`
    return [url, Buffer.from(Contract.respond(world, 0, { method: "GET", url }).body)]
  })
)

const server = Http.createServer(({ url }, response) => {
  const body = answers.get(url!)!
  setTimeout(() => {
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body)
  }, delay)
})
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port))
process.on("disconnect", () => process.exit())
// Ctrl-C is for the parent, which may still be reading.
process.on("SIGINT", () => {})
