/**
 * One session with PostgreSQL over a unix socket, in Node's own modules only: the watchdog lives for as long as the
 * server does and should weigh little. It knows the startup message and the simple query, and leaves out passwords,
 * TLS and parameters, which a socket in a folder of one's own needs none of.
 *
 * The protocol: https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
import * as Net from "node:net"

export interface Session {
  readonly host: string
  readonly port: number
  /** The server's `server_version`, such as "18.4". */
  readonly version: string
  /** Rows of text. One query at a time. */
  readonly query: (sql: string) => Promise<ReadonlyArray<ReadonlyArray<string | null>>>
  /** Resolves once the session is gone, whoever ended it. */
  readonly closed: Promise<void>
  readonly close: () => void
}

export interface Options {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly database: string
  readonly applicationName: string
}

/** A session that could not be opened or was refused; `code` is an SQLSTATE, or an errno such as ENOENT. */
export class Refusal extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** SQLSTATE of a server that starts, recovers or shuts down. */
export const cannotConnectNow = "57P03"

/** Where a server with this socket folder and port listens. */
export const socketPath = (host: string, port: number): string => `${host}/.s.PGSQL.${port}`

/** Rejects with a `Refusal`, after ten seconds at the latest. */
export const open = (options: Options): Promise<Session> => {
  const socket = Net.connect(socketPath(options.host, options.port))
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
  let exchange = begin()
  let version = ""

  const fail = (refusal: Refusal) => {
    exchange.reject(exchange.refusal ?? refusal)
    socket.destroy()
  }
  const receive = (type: string, body: Buffer) => {
    if (type === "S" && cString(body, 0) === "server_version") version = cString(body, "server_version".length + 1)
    else if (type === "R" && body.readInt32BE(0) !== 0) fail(new Refusal("28000", "The server asks for a password"))
    else if (type === "D") exchange.rows.push(row(body))
    else if (type === "E") exchange.refusal = refusal(body)
    else if (type === "Z" && exchange.refusal !== undefined) exchange.reject(exchange.refusal)
    else if (type === "Z") exchange.resolve(exchange.rows)
  }

  socket.setTimeout(openMillis, () => fail(new Refusal("ETIMEDOUT", "The server does not answer")))
  socket.on("connect", () => socket.write(startup(options)))
  socket.on("data", messages(receive))
  socket.on("error", (cause: NodeJS.ErrnoException) => fail(new Refusal(cause.code ?? "08006", cause.message)))
  socket.on("close", () => fail(new Refusal("08006", "The server closed the session")))

  const session = {
    host: options.host,
    port: options.port,
    query: (sql: string) => {
      exchange = begin()
      if (socket.destroyed) fail(new Refusal("08003", "The session is closed"))
      else socket.write(message("Q", `${sql}\0`))
      return exchange.promise
    },
    closed,
    close: () => void socket.end(message("X", ""))
  }
  return exchange.promise.then(() => {
    socket.setTimeout(0)
    return { ...session, version }
  })
}

// internal

const openMillis = 10_000

interface Exchange {
  readonly promise: Promise<Array<Array<string | null>>>
  readonly resolve: (rows: Array<Array<string | null>>) => void
  readonly reject: (refusal: Refusal) => void
  readonly rows: Array<Array<string | null>>
  refusal: Refusal | undefined
}

const begin = (): Exchange => {
  const { promise, reject, resolve } = Promise.withResolvers<Array<Array<string | null>>>()
  return { promise, resolve, reject, rows: [], refusal: undefined }
}

const protocolVersion = 3 << 16

const startup = (options: Options): Buffer => {
  const parameters = {
    user: options.username,
    database: options.database,
    application_name: options.applicationName,
    client_encoding: "UTF8"
  }
  const body = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`)
  return framed(Buffer.concat([int32(protocolVersion), Buffer.from(`${body.join("")}\0`)]))
}

const message = (type: string, body: string): Buffer => Buffer.concat([Buffer.from(type), framed(Buffer.from(body))])

const framed = (body: Buffer): Buffer => Buffer.concat([int32(body.length + 4), body])

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Cuts what arrives into messages: a type byte, a length that counts itself, a body. */
const messages = (receive: (type: string, body: Buffer) => void) => {
  let buffered = Buffer.alloc(0)
  return (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk])
    while (buffered.length >= 5 && buffered.length > buffered.readInt32BE(1)) {
      const end = 1 + buffered.readInt32BE(1)
      receive(String.fromCharCode(buffered.readUInt8(0)), buffered.subarray(5, end))
      buffered = buffered.subarray(end)
    }
  }
}

const cString = (bytes: Buffer, offset: number): string => bytes.toString("utf8", offset, bytes.indexOf(0, offset))

const row = (body: Buffer): Array<string | null> => {
  const values: Array<string | null> = []
  for (let offset = 2, left = body.readInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(offset)
    offset += 4
    values.push(length < 0 ? null : body.toString("utf8", offset, offset + length))
    offset += Math.max(length, 0)
  }
  return values
}

const refusal = (body: Buffer): Refusal => {
  const fields = new Map<string, string>()
  for (let offset = 0; body.readUInt8(offset) !== 0;) {
    const value = cString(body, offset + 1)
    fields.set(String.fromCharCode(body.readUInt8(offset)), value)
    offset += 2 + Buffer.byteLength(value)
  }
  return new Refusal(fields.get("C") ?? "XX000", fields.get("M") ?? "The server refused without a reason")
}
