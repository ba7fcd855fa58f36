/**
 * The part of a project's code that a piece of it reaches: its own imports, declarations and files, and nothing else.
 *
 * Other assets are where a slice ends: what became of them is known by their data versions.
 *
 * No bundle gives this: there an import is external by its module, not by the binding that is an asset; an asset's
 * combinators and description belong to it, and so does all that its factory or loop makes. Nor is one cheaper: on two busy
 * cores 200 builds of rolldown take 1.1 to 2 s, 200 slices of files that are parsed once 0.8 s.
 */
import * as Url from "node:url"
import type * as CodeCache from "./CodeCache.ts"
import * as CodeFile from "./CodeFile.ts"
import type * as CodePackage from "./CodePackage.ts"
import type { Ref } from "./CodeSyntax.ts"
import * as Version from "./Version.ts"

/** Where a slice starts. */
export interface Root {
  readonly path: string
  readonly given: CodeFile.Given
}

export interface Slice {
  /** The code, piece by piece, without names of files and of what they declare. */
  readonly lines: ReadonlyArray<string>
  /** Digest of what the slice has of each file, by path. */
  readonly files: ReadonlyMap<string, string>
  /** Versions by name; those of a package that is there in several, sorted, such as `1.0.0, 2.0.0`. */
  readonly packages: ReadonlyMap<string, string>
}

/** The keys of the assets that are made while a file is loaded, with where in it. */
export type Assets = ReadonlyMap<string, ReadonlyArray<{ readonly position: CodeFile.Position; readonly key: string }>>

export interface Project {
  readonly cache: CodeCache.CodeCache
  readonly resolve: (from: string, specifier: string) => CodePackage.Destination
  readonly assets: Assets
}

/** Slices of one project, which have most of what they reach in common. */
export const reader = (project: Project): ((roots: ReadonlyArray<Root>) => Slice) => {
  const map = new CodeMap(project)
  return (roots) => walk(map, roots)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Where a slice ends: code of others, known by its name, in a version. */
interface End {
  readonly text: string
  readonly package?: { readonly name: string; readonly version: string }
}

/** A piece of code, a module as a whole, or a file that is no code. */
class Place {
  readonly path: string
  readonly hash: string
  readonly refs: ReadonlyArray<Ref>
  /** Where the references lead, once somebody asked. */
  links: ReadonlyArray<Place | End> | undefined

  constructor(path: string, hash: string, refs: ReadonlyArray<Ref>) {
    this.path = path
    this.hash = hash
    this.refs = refs
  }
}

/** Breadth first, each place once; a place is named by its number in that order. */
const walk = (map: CodeMap, roots: ReadonlyArray<Root>): Slice => {
  const places = roots.map(({ given, path }) => new Place(path, given.hash, given.refs))
  const numbers = new Map(places.map((place, index) => [place, index]))
  const lines: Array<string> = []
  const hashes = new Map<string, string>()
  const packages = new Map<string, Set<string>>()
  // Grows while it is walked.
  for (const place of places) {
    let line = place.hash
    for (const link of map.linksOf(place)) {
      if (!(link instanceof Place)) {
        if (link.package !== undefined) {
          const { name, version } = link.package
          packages.set(name, (packages.get(name) ?? new Set()).add(version))
        }
        line += ` ${link.text}`
        continue
      }
      let number = numbers.get(link)
      if (number === undefined) {
        number = places.push(link) - 1
        numbers.set(link, number)
      }
      line += ` ${number}`
    }
    lines.push(line)
    hashes.set(place.path, `${hashes.get(place.path) ?? ""}${place.hash}`)
  }
  return {
    lines,
    files: new Map(Array.from(hashes, ([path, all]) => [path, map.part(all)])),
    packages: new Map(Array.from(packages, ([name, versions]) => [name, Array.from(versions).sort().join(", ")]))
  }
}

/** What leads where in a project. */
class CodeMap {
  private readonly project: Project
  private readonly places = new Map<string, Place>()
  private readonly parts = new Map<string, string>()

  constructor(project: Project) {
    this.project = project
  }

  linksOf(place: Place): ReadonlyArray<Place | End> {
    return (place.links ??= place.refs.map((ref) => this.link(place.path, ref)))
  }

  part(hashes: string): string {
    let part = this.parts.get(hashes)
    if (part === undefined) this.parts.set(hashes, (part = Version.hash("part", [hashes])))
    return part
  }

  private link(path: string, ref: Ref): Place | End {
    const [tag, name, from] = ref
    if (tag === "Local") return this.local(path, name.split("."))
    if (tag === "File") {
      const file = Url.fileURLToPath(new URL(name, Url.pathToFileURL(path)))
      return CodeFile.isCode(file) ? this.everything(file) : this.file(file)
    }
    const destination = this.project.resolve(path, from)
    switch (destination._tag) {
      case "File":
        return this.exported(destination.path, name.split("."))
      case "Package":
        return { text: `${from}#${name}`, package: destination }
      case "Platform":
        return { text: `#${name}` }
    }
  }

  /** A top-level name of a file, or with a second name a static member of its class. */
  private local(path: string, [name, member]: ReadonlyArray<string>): Place | End {
    const { names, pieces } = this.project.cache.code(path)!
    const static_ = `${name}.${member}`
    const name_ = member !== undefined && pieces[static_] !== undefined ? static_ : (names[name!] ?? name!)
    const piece = pieces[name_]
    if (piece === undefined) return { text: `?${name_}` }
    const keys = this.assetsIn(path, piece)
    if (keys.length === 0) return this.piece(path, name_, piece)
    // Of several assets that one declaration makes, the name tells which is meant.
    return { text: `asset:${keys.join(",")}${keys.length > 1 ? `#${name}` : ""}` }
  }

  private piece(path: string, name: string, piece: CodeFile.Piece): Place {
    return this.place(path, name, () => {
      const statements = (piece.statements ?? []).map((statement): Ref => ["Local", statement])
      return new Place(path, piece.hash, [...piece.refs, ...statements])
    })
  }

  private exported(path: string, names: ReadonlyArray<string>): Place | End {
    if (!CodeFile.isCode(path)) return this.file(path)
    if (names[0] === "*") return this.everything(path)
    return this.export(path, names, new Set()) ?? { text: `?${names.join(".")}` }
  }

  private export(path: string, names: ReadonlyArray<string>, seen: Set<string>): Place | End | undefined {
    const file = this.project.cache.code(path)
    if (file === undefined || seen.has(path)) return undefined
    seen.add(path)
    const [name, ...members] = names
    const ref = file.exports[name!]
    if (ref?.[0] === "Local") return this.local(path, [ref[1], ...members])
    if (ref?.[0] === "Import") {
      const further = ref[1] === "*" && members.length > 0 ? members : [ref[1], ...members]
      return this.link(path, ["Import", further.join("."), ref[2]])
    }
    for (const from of name === "default" ? [] : file.stars) {
      const destination = this.project.resolve(path, from)
      const found =
        destination._tag === "File"
          ? this.export(destination.path, names, seen)
          : // It may be there; what else is known of it is its version.
            this.link(path, ["Import", names.join("."), from])
      if (found !== undefined) return found
    }
    return undefined
  }

  /** A module as a whole, with all that it does when it is loaded. */
  private everything(path: string): Place | End {
    const file = this.project.cache.code(path)
    if (file === undefined) return { text: "?" }
    return this.place(path, "*", () => {
      const names = Object.keys(file.exports).sort()
      const statements = Object.keys(file.pieces).filter((name) => /^\*\d/.test(name))
      return new Place(path, Version.hash("module", names), [
        ...names.map((name) => file.exports[name]!),
        ...statements.map((name): Ref => ["Local", name]),
        ...file.stars.map((from): Ref => ["Import", "*", from])
      ])
    })
  }

  private file(path: string): Place {
    return this.place(path, "file", () => new Place(path, this.project.cache.digest(path) ?? "missing", []))
  }

  private place(path: string, name: string, make: () => Place): Place {
    const id = `${path} ${name}`
    let place = this.places.get(id)
    if (place === undefined) this.places.set(id, (place = make()))
    return place
  }

  private assetsIn(path: string, piece: CodeFile.Piece): ReadonlyArray<string> {
    const assets = this.project.assets.get(path) ?? []
    return assets.filter(({ position }) => CodeFile.isWithin(piece, position)).map(({ key }) => key)
  }
}
