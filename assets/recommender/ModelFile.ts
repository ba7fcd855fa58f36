/**
 * A fitted model as bytes: equal models give equal bytes, and bytes that were damaged are not read.
 * Leaves out parameters and metrics, which stand in the manifest beside the file, and what algorithms make of the numbers.
 *
 * Magic, version, CRC-32 of all that follows and length of the table of contents as uint32; the table of contents as JSON: the algorithm, and
 * for each section its name, type and length; the sections. The table and each section are filled up to a multiple of 8 bytes. All is
 * little-endian, being copied from memory: the magic of a file from a big-endian machine reads backwards, so it is refused.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Zlib from "node:zlib"
import type * as FittedModel from "./FittedModel.ts"

/** The bytes are not a model that this version can read. */
export class UnreadableModel extends Schema.TaggedError<UnreadableModel>()("UnreadableModel", {
  reason: Schema.String
}) {
  override get message(): string {
    return `The model file cannot be read: ${this.reason}`
  }
}

export interface ModelFile {
  readonly algorithm: string
  /** In the order in which they were written. */
  readonly sections: ReadonlyArray<FittedModel.Section>
}

export const encode = ({ algorithm, sections }: ModelFile): Uint8Array => {
  const contents: typeof Contents.Type = {
    algorithm,
    sections: sections.map(({ data, name }) => [name, typeOf(data), data.length])
  }
  const table = padded(new TextEncoder().encode(JSON.stringify(contents)), " ".charCodeAt(0))
  const checked = [
    bytesOf(Uint32Array.of(table.length)),
    table,
    ...sections.map(({ data }) => padded(bytesOf(data), 0))
  ]
  const checksum = checked.reduce((crc, part) => Zlib.crc32(part, crc), 0)
  return concat([bytesOf(Uint32Array.of(magic, version, checksum)), ...checked])
}

/** Fails with `UnreadableModel` on bytes that were cut, damaged or written by another version. */
export const decode = Effect.fnUntraced(function* (bytes: Uint8Array) {
  const refuse = (reason: string) => new UnreadableModel({ reason })
  if (bytes.length < headerSize) return yield* refuse(`it has only ${bytes.length} bytes`)
  const header = new Uint32Array(new Uint8Array(bytes.subarray(0, headerSize)).buffer)
  const [foundMagic, foundVersion, checksum, tableSize] = Array.from(header) as Header
  if (foundMagic !== magic) return yield* refuse("it is not a model file")
  if (foundVersion !== version) return yield* refuse(`its version is ${foundVersion}, not ${version}`)
  if (Zlib.crc32(bytes.subarray(checkedFrom)) !== checksum) return yield* refuse("its checksum does not match")
  const table = new TextDecoder().decode(bytes.subarray(headerSize, headerSize + tableSize))
  const contents = yield* Effect.fromResult(
    Result.mapError(decodeContents(table), () => refuse("its table of contents is not one"))
  )
  let at = headerSize + tableSize
  const sections: Array<FittedModel.Section> = []
  for (const [name, type, length] of contents.sections) {
    const end = at + length * types[type].BYTES_PER_ELEMENT
    if (end > bytes.length) return yield* refuse(`its section "${name}" is not whole`)
    sections.push({ name, data: new types[type](new Uint8Array(bytes.subarray(at, end)).buffer) })
    at = end + padding(end - at)
  }
  return { algorithm: contents.algorithm, sections } satisfies ModelFile
})

/** Of the numbers of a section. */
export const typeOf = (data: FittedModel.Section["data"]): "int32" | "float32" | "float64" =>
  data instanceof Int32Array ? "int32" : data instanceof Float32Array ? "float32" : "float64"

// internal ------------------------------------------------------------------------------------------------------------------------

type Header = [magic: number, version: number, checksum: number, tableSize: number]

const magic = 0x4c444f4d // "MODL"
const version = 1
const headerSize = 16
const checkedFrom = 12

const types = { int32: Int32Array, float32: Float32Array, float64: Float64Array }

const Contents = Schema.Struct({
  algorithm: Schema.String,
  sections: Schema.Array(Schema.Tuple([Schema.String, Schema.Literals(["int32", "float32", "float64"]), Schema.Int]))
})

const decodeContents = Schema.decodeUnknownResult(Schema.fromJsonString(Contents))

const bytesOf = ({ buffer, byteLength, byteOffset }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

const padding = (length: number): number => (8 - (length % 8)) % 8

const padded = (bytes: Uint8Array, filler: number): Uint8Array =>
  concat([bytes, new Uint8Array(padding(bytes.length)).fill(filler)])

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}
