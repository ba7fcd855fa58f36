/**
 * A project in a folder of its own, whose code is edited and whose code versions are asked for in a process of their own.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

export interface Answer {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export type Files = Readonly<Record<string, string>>

const repository = Path.resolve(import.meta.dirname, "../..")

export class Workspace {
  readonly folder: string
  /** Those of the files as they are. */
  private known: Files | undefined

  constructor(files: Files) {
    this.folder = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets-code-")))
    // Everybody can enter it, because the database server of a root is not root.
    Fs.chmodSync(this.folder, 0o755)
    this.write({ "package.json": `{ "type": "module" }`, ...files })
    Fs.mkdirSync(this.path("node_modules"), { recursive: true })
    Fs.symlinkSync(repository, this.path("node_modules/effect-assets"))
    Fs.symlinkSync(Path.join(repository, "node_modules/effect"), this.path("node_modules/effect"))
  }

  path(...parts: ReadonlyArray<string>): string {
    return Path.join(this.folder, ...parts)
  }

  write(files: Files): void {
    this.known = undefined
    for (const [file, text] of Object.entries(files)) {
      Fs.mkdirSync(Path.dirname(this.path(file)), { recursive: true })
      Fs.writeFileSync(this.path(file), text)
    }
  }

  /** Puts one text in the place of another, wherever it stands in the file. */
  edit(file: string, from: string | RegExp, to: string): void {
    const text = Fs.readFileSync(this.path(file), "utf8")
    const edited = text.replaceAll(typeof from === "string" ? from : new RegExp(from, "g"), to)
    if (edited === text) throw new Error(`${file} does not say ${String(from)}`)
    this.known = undefined
    Fs.writeFileSync(this.path(file), edited)
  }

  assets(args: ReadonlyArray<string>, options: { readonly cwd?: string; readonly env?: Files } = {}): Promise<Answer> {
    const child = ChildProcess.spawn(process.execPath, [Path.join(repository, "runtime/bin/assets.ts"), ...args], {
      cwd: options.cwd ?? this.folder,
      env: { ...process.env, ASSETS_HOME: this.path(".assets"), NO_COLOR: "1", ...options.env }
    })
    const answer = { code: null, stdout: "", stderr: "" } as { code: number | null; stdout: string; stderr: string }
    child.stdout.setEncoding("utf8").on("data", (text: string) => void (answer.stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (answer.stderr += text))
    return new Promise((resolve) => child.once("close", (code) => resolve({ ...answer, code })))
  }

  /** The computed code versions by asset. */
  async versions(): Promise<Files> {
    const { code, stderr, stdout } = await this.assets(["build"])
    if (code !== 0) throw new Error(stderr)
    const { assets } = JSON.parse(stdout) as { readonly assets: Readonly<Record<string, { readonly version: string }>> }
    return Object.fromEntries(Object.entries(assets).map(([asset, { version }]) => [asset, version]))
  }

  /** The assets whose code versions an edit moves; everything is put back afterwards. */
  async movedBy(file: string, from: string | RegExp, to: string): Promise<ReadonlyArray<string>> {
    return this.movedByAll([[file, from, to]])
  }

  async movedByAll(
    edits: ReadonlyArray<readonly [file: string, from: string | RegExp, to: string]>
  ): Promise<ReadonlyArray<string>> {
    const before = (this.known ??= await this.versions())
    const texts = new Map(edits.map(([file]) => [file, Fs.readFileSync(this.path(file), "utf8")]))
    for (const edit of edits) this.edit(...edit)
    try {
      const after = await this.versions()
      return Object.keys(after)
        .filter((asset) => after[asset] !== before[asset])
        .sort()
    } finally {
      this.write(Object.fromEntries(texts))
      this.known = before
    }
  }

  remove(): void {
    Fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }
}
