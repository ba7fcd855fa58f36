/** A project whose customers are found by one asset, as `CUSTOMERS` lists them, and cut another. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Asset from "../../../runtime/Asset.ts"
import * as Definitions from "../../../runtime/Definitions.ts"
import * as DynamicPartitions from "../../../runtime/DynamicPartitions.ts"
import * as Json from "../../../runtime/Json.ts"
import * as Partition from "../../../runtime/Partition.ts"

const io = Json.make({ schema: Schema.Int })

const customers = Partition.dynamic("customers")

const signups = Asset.make("signups", {
  io,
  codeVersion: "1",
  materialize: () =>
    Effect.map(DynamicPartitions.add(customers, (process.env["CUSTOMERS"] ?? "").split(" ")), (added) => added.length)
})

const invoices = Asset.make("invoices", {
  io,
  codeVersion: "1",
  partitions: Partition.product({ customer: customers, region: Partition.fixed(["eu", "us"]) }),
  materialize: () => Effect.succeed(1)
})

export default Definitions.make({ assets: [signups, invoices] })
