/**
 * `npm run kernels` compiles `assembly/` to `kernels.wasm`, which is committed, so that nobody else needs the compiler.
 * Leaves out relaxed SIMD: the same bytes in give the same bytes out on every machine.
 */
import * as Fs from "node:fs"
import * as Url from "node:url"
import * as Compiler from "assemblyscript/asc"

/** Compiles the sources as they are. Throws what the compiler says against them. */
export const compile = async (): Promise<Uint8Array> => {
  let compiled: Uint8Array | undefined
  const { error, stderr } = await Compiler.main(["index.ts", "--outFile", "kernels.wasm", ...options], {
    writeFile: (_, contents) => {
      compiled = contents as Uint8Array
    }
  })
  if (error !== null || compiled === undefined) throw new Error(`The kernels do not compile: ${stderr.toString()}`)
  return compiled
}

// internal ------------------------------------------------------------------------------------------------------------------------

/** The most pages of 64 KiB that 32 bits can address. */
const mostPages = 65_536

const options = [
  `--baseDir=${Url.fileURLToPath(new URL("./assembly", import.meta.url))}`,
  "-O3",
  "--converge",
  "--noAssert",
  "--runtime=stub",
  "--use=abort=",
  "--enable=simd,threads,bulk-memory",
  "--importMemory",
  "--noExportMemory",
  "--sharedMemory",
  "--initialMemory=1",
  `--maximumMemory=${mostPages}`,
  // Functions that take vectors are called from inside alone.
  "--disableWarning=112"
]

if (import.meta.main) Fs.writeFileSync(new URL("./kernels.wasm", import.meta.url), await compile())
