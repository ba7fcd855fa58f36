/** A shop whose assets reach code, files and packages in the ways that there are. */
import type { Files } from "./Workspace.ts"

export const shop: Files = {
  "node_modules/rates/package.json": `{ "name": "rates", "version": "1.0.0", "type": "module", "exports": "./index.js" }`,
  "node_modules/rates/index.js": `export { euro } from "currencies"`,
  "node_modules/currencies/package.json": `{ "name": "currencies", "version": "1.0.0", "type": "module", "exports": "./index.js" }`,
  "node_modules/currencies/index.js": `export const euro = 1.1`,
  "node_modules/numbers/package.json": `{ "name": "numbers", "version": "1.0.0", "type": "module", "exports": "./index.js" }`,
  "node_modules/numbers/index.js": `export const one = 1`,

  "sql/customers.sql": `
-- One customer.
select 1 as id, '--' as name
`,

  "assets/limits.ts": `
import { one } from "numbers"

// The most that anything costs.
export const ceiling: number = 100 * one

export const unrelated = (text: string): string => text.trim()
`,

  "assets/pricing.ts": `
import { ceiling } from "./limits.ts"

interface Priced {
  readonly amount: number
}

const clamp = (amount: number): number => {
  const most = ceiling
  return Math.min(amount, most)
}

export const price = ({ amount }: Priced) => clamp(amount) * 2

export const discount = (amount: number) => amount / 2
`,

  "assets/Mailer.ts": `
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const address = "shop@example.org"

export class Mailer extends Context.Service<Mailer, { readonly send: Effect.Effect<string> }>()("Mailer") {
  static readonly layer = Layer.succeed(this, { send: Effect.succeed(address) })
}
`,

  "assets/orders.ts": `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, AssetCheck, Json } from "effect-assets"
import * as Pricing from "./pricing.ts"

export const Order = Schema.Struct({ id: Schema.Int, total: Schema.Finite })

const known = new Map<number, number>()
known.set(1, 10)

const unused = (row: { readonly id: number }) => row.id + 1

export const orders = Asset.make("orders", {
  description: "What was ordered",
  io: Json.make({ schema: Schema.Array(Order) }),
  materialize: () =>
    Effect.sync(() => {
      const amount = known.get(1) ?? 0
      return [{ id: 1, total: Pricing.price({ amount }) }]
    })
}).pipe(
  Asset.check("some", { run: (rows) => Effect.succeed(rows.length > 0 ? AssetCheck.pass() : AssetCheck.fail("none")) }),
  Asset.recheckAfter("1 day")
)
`,

  "assets/customers.ts": `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import { Asset, Json } from "effect-assets"
import { euro } from "rates"
import { Mailer } from "./Mailer.ts"

const query = Fs.readFileSync(new URL("../sql/customers.sql", import.meta.url), "utf8")

export const customers = Asset.make("customers", {
  io: Json.make({ schema: Schema.String }),
  materialize: () => Effect.map(Mailer, (mailer) => query + euro + typeof mailer)
})
`,

  "assets/report.ts": `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, Json } from "effect-assets"
import { customers } from "./customers.ts"
import { Mailer } from "./Mailer.ts"
import { Order, orders } from "./orders.ts"

export const report = Asset.make("report", {
  deps: { customers, orders },
  io: Json.make({ schema: Schema.Array(Order) }),
  materialize: ({ orders }) => Effect.succeed(orders)
})

export const letters = Asset.make("letters", {
  deps: { report },
  io: Json.make({ schema: Schema.Int }),
  materialize: ({ report }) => Effect.succeed(report.length)
}).pipe(Asset.dependsOnCode(Mailer.layer, new URL("../sql/letter.txt", import.meta.url)))
`,
  "sql/letter.txt": "Dear customer",

  "assets/regions.ts": `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, Json } from "effect-assets"
import { orders } from "./orders.ts"

const factor = 2

const region = (name: string, { size }: { readonly size: number }) =>
  Asset.make(\`region_\${name}\`, {
    deps: { orders },
    io: Json.make({ schema: Schema.Finite }),
    materialize: ({ orders }) => Effect.succeed(orders.length * size * factor)
  }).pipe(Asset.timeout("1 minute"))

const sizes = { north: { size: 1 }, south: { size: 2 } }

export const regions = Object.entries(sizes).map(([name, settings]) => region(name, settings))

export const totals: Array<Asset.Any> = []
for (const [month, days] of [["january", 31], ["february", 28]] as const) {
  totals.push(
    Asset.make(\`total_\${month}\`, {
      deps: { orders },
      io: Json.make({ schema: Schema.Finite }),
      materialize: Effect.fn("total")(function* ({ orders }) {
        return orders.length / days
      })
    })
  )
}

const formatted = (name: string, format: (total: number) => string) =>
  Asset.make(\`formatted_\${name}\`, {
    deps: { orders },
    io: Json.make({ schema: Schema.String }),
    materialize: ({ orders }) => Effect.succeed(format(orders.length))
  })

export const plain = formatted("plain", (total) => String(total))
export const padded = formatted("padded", (total) => String(total).padStart(9))
`,

  "assets/halves.ts": `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, Json, MultiAsset } from "effect-assets"
import { orders } from "./orders.ts"

const middle = (count: number) => Math.floor(count / 2)

export const { left, right } = MultiAsset.make({
  deps: { orders },
  outputs: {
    left: MultiAsset.output("left", { description: "The first half", io: Json.make({ schema: Schema.Int }) }),
    right: MultiAsset.output("right", { io: Json.make({ schema: Schema.Int }) })
  },
  materialize: ({ orders }) => Effect.succeed({ left: middle(orders.length), right: orders.length - middle(orders.length) })
})

export const difference = Asset.make("difference", {
  deps: { one: left, other: right },
  io: Json.make({ schema: Schema.Int }),
  materialize: ({ one, other }) => Effect.succeed(one - other)
})
`,

  "assets/index.ts": `
import { Definitions } from "effect-assets"
import { Mailer } from "./Mailer.ts"
import * as Regions from "./regions.ts"
import { difference } from "./halves.ts"
import { letters } from "./report.ts"

export default Definitions.make({
  assets: [letters, difference, ...Regions.regions, ...Regions.totals, Regions.plain, Regions.padded],
  resources: Mailer.layer,
  codeVersions: new URL("./assets.manifest.json", import.meta.url)
})
`
}
