/**
 * A small project for the command line's tests. What its sources see, and how they misbehave, is read from the
 * environment.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Asset from "../../../runtime/Asset.ts"
import * as AssetCheck from "../../../runtime/AssetCheck.ts"
import * as Definitions from "../../../runtime/Definitions.ts"
import * as Json from "../../../runtime/Json.ts"
import * as Partition from "../../../runtime/Partition.ts"

const io = Json.make({ schema: Schema.Struct({ amount: Schema.Number }) })

class SupplierGone extends Schema.TaggedError<SupplierGone>()("SupplierGone", {}) {
  override get message() {
    return "the supplier does not answer"
  }
}

/** `error`: the supplier does not answer. `stubborn`: what computes revenue cannot be interrupted. */
const fault = process.env["SHOP_FAULT"]

/** How long it takes to compute revenue. */
const millis = Number(process.env["SHOP_SLOW"] ?? 0)

const stubborn = (effect: Effect.Effect<void>) =>
  Effect.uninterruptible(Effect.andThen(Console.error("no way back"), effect))

const prices = Asset.make("prices", {
  io,
  codeVersion: "1",
  description: "What the supplier asks.",
  materialize: () =>
    fault === "error"
      ? Effect.fail(new SupplierGone())
      : Effect.succeed({ amount: Number(process.env["SHOP_PRICE"] ?? 10) })
}).pipe(
  Asset.group("shop/supply"),
  Asset.tags({ pii: "", team: "buyers" }),
  Asset.kinds("http"),
  Asset.owners("ann@example.org", "team:buyers"),
  Asset.recheckAfter("1 day"),
  Asset.check("not negative", {
    blocking: true,
    run: ({ amount }) => Effect.succeed(amount < 0 ? AssetCheck.fail(`the price is ${amount}`) : AssetCheck.pass())
  }),
  Asset.check("not unusual", {
    severity: "warn",
    run: ({ amount }) => Effect.succeed(amount > 100 ? AssetCheck.fail(`the price is ${amount}`) : AssetCheck.pass())
  })
)

const sales = Asset.make("sales", {
  io,
  codeVersion: "1",
  partitions: Partition.daily({ start: new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10) }),
  materialize: () => Effect.succeed({ amount: 3 })
}).pipe(Asset.after(prices))

const revenue = Asset.make("revenue", {
  io,
  codeVersion: process.env["SHOP_CODE"] ?? "1",
  deps: { prices, sales },
  materialize: ({ prices, sales }) =>
    (fault === "stubborn" ? stubborn(Effect.sleep(millis)) : Effect.sleep(millis)).pipe(
      Effect.as({ amount: prices.amount * Array.from(sales.values()).reduce((sum, day) => sum + day.amount, 0) })
    )
})

const forecast = Asset.make("forecast", {
  io,
  codeVersion: "1",
  deps: { revenue },
  materialize: ({ revenue }) => Effect.succeed({ amount: Math.round(revenue.amount / 1000) })
})

export default Definitions.make({
  assets: [forecast],
  diagnostics: [
    {
      name: "supplier",
      run:
        fault === "error"
          ? Effect.fail(new Definitions.DiagnosticFailed({ problem: "it does not answer", remedy: "call it" }))
          : Effect.succeed("answers")
    }
  ]
})
