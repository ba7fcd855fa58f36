/**
 * A fitted model as bytes: equal models give equal bytes, and bytes that were damaged are not read.
 * Leaves out parameters and metrics, which stand in the manifest beside the file.
 *
 * Magic, version, CRC-32 of all that follows, number of tracks and number of neighbours as uint32; track ids as float64, row offsets and
 * neighbours as int32, similarities as float32. All little-endian, being copied from memory: the magic of a file from a big-endian machine
 * reads backwards, so it is refused.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Zlib from "node:zlib"
import type * as ItemKnn from "./ItemKnn.ts"

/** The bytes are not a model that this version can read. */
export class UnreadableModel extends Schema.TaggedError<UnreadableModel>()("UnreadableModel", {
  reason: Schema.String
}) {
  override get message(): string {
    return `The model file cannot be read: ${this.reason}`
  }
}

/** Lossless, as `ItemKnn.fit` rounds similarities to single precision. */
export const encode = (model: ItemKnn.Model): Uint8Array => {
  const { columns, offsets, values } = model.neighbours
  const counts = Uint32Array.of(model.tracks.length, columns.length)
  const checked = [counts, model.tracks, offsets, columns, new Float32Array(values)].map(bytesOf)
  const checksum = checked.reduce((crc, section) => Zlib.crc32(section, crc), 0)
  return concat([bytesOf(Uint32Array.of(magic, version, checksum)), ...checked])
}

/** Fails with `UnreadableModel` on bytes that were cut, damaged or written by another version. */
export const decode = Effect.fnUntraced(function* (bytes: Uint8Array) {
  if (bytes.length < headerSize) return yield* new UnreadableModel({ reason: `it has only ${bytes.length} bytes` })
  const section = (from: number, to: number) => new Uint8Array(bytes.subarray(from, to)).buffer
  const header = new Uint32Array(section(0, headerSize))
  const [foundMagic, foundVersion, checksum, tracks, neighbours] = Array.from(header) as Header
  if (foundMagic !== magic) return yield* new UnreadableModel({ reason: "it is not a model file" })
  if (foundVersion !== version) {
    return yield* new UnreadableModel({ reason: `its version is ${foundVersion}, not ${version}` })
  }
  const offsetsAt = headerSize + tracks * 8
  const columnsAt = offsetsAt + (tracks + 1) * 4
  const valuesAt = columnsAt + neighbours * 4
  const end = valuesAt + neighbours * 4
  if (bytes.length !== end) {
    return yield* new UnreadableModel({ reason: `it has ${bytes.length} bytes where ${end} are due` })
  }
  if (Zlib.crc32(bytes.subarray(checkedFrom)) !== checksum) {
    return yield* new UnreadableModel({ reason: "its checksum does not match" })
  }
  return {
    tracks: new Float64Array(section(headerSize, offsetsAt)),
    neighbours: {
      offsets: new Int32Array(section(offsetsAt, columnsAt)),
      columns: new Int32Array(section(columnsAt, valuesAt)),
      values: new Float64Array(new Float32Array(section(valuesAt, end)))
    }
  } satisfies ItemKnn.Model
})

// internal ------------------------------------------------------------------------------------------------------------------------

type Header = [magic: number, version: number, checksum: number, tracks: number, neighbours: number]

const magic = 0x4e4e4b49 // "IKNN"
const version = 1
const headerSize = 20
const checkedFrom = 12

const bytesOf = ({ buffer, byteLength, byteOffset }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

const concat = (sections: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(sections.reduce((length, section) => length + section.length, 0))
  let position = 0
  for (const section of sections) {
    bytes.set(section, position)
    position += section.length
  }
  return bytes
}
