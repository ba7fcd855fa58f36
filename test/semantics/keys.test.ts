import * as Asset from "../../runtime/Asset.ts"
import * as Partition from "../../runtime/Partition.ts"
import { add, ask, asset, at, declare, edit, move, pass, remove, request, run, shows, table, wipe } from "./Case.ts"

const regions = Partition.fixed(["eu", "us"])
const countries = asset("countries", { partitions: Partition.fixed(["at", "de", "us"]) })
const prices = asset("prices", { partitions: regions })
const taxes = asset("taxes", { partitions: regions, deps: { prices } })
const byCountry = (eu: ReadonlyArray<"at" | "de" | "us">) =>
  asset("taxes", { partitions: regions, deps: { countries: Asset.mapped(countries, { eu, us: ["us"] }) } })

table("fixed keys", [
  [
    "are read by key",
    [taxes],
    [run(), move("prices/eu")],
    { status: { "taxes/eu": "Stale: prices has changed in eu" } }
  ],
  [
    "that are declared later are Missing",
    [prices],
    [run(), declare(asset("prices", { partitions: Partition.fixed(["as", "eu", "us"]) }))],
    { status: { "prices/as": "Missing" } }
  ],
  [
    "that are declared no more are no slices, and are missed by what reads them all",
    [asset("report", { deps: { prices } })],
    [run(), declare(asset("report", { deps: { prices: asset("prices", { partitions: Partition.fixed(["us"]) }) } }))],
    { slices: { prices: "us" }, status: { report: "Stale: prices has changed" } }
  ],
  [
    "in another order are the same",
    [asset("report", { deps: { prices } })],
    [
      run(),
      declare(asset("report", { deps: { prices: asset("prices", { partitions: Partition.fixed(["us", "eu"]) }) } }))
    ],
    { status: {} }
  ],
  [
    "may be mapped: what changes is seen by those that read it",
    [byCountry(["de", "at"])],
    [run(), move("countries/de")],
    { status: { "taxes/eu": "Stale: countries has changed in de" } }
  ],
  [
    "that are mapped otherwise are a change, unless nothing else comes of it",
    [byCountry(["at", "de"])],
    [run(), declare(byCountry(["at"]))],
    { status: { "taxes/eu": "Stale: countries has changed" } }
  ],
  [
    "that are mapped in another order are read alike",
    [byCountry(["at", "de"])],
    [run(), declare(byCountry(["de", "at"]))],
    { status: {} }
  ],
  [
    "wait for those that they are mapped to",
    [byCountry(["de", "at"])],
    [ask()],
    { waits: { "taxes/eu": "countries/at, de", "taxes/us": "countries/us" } }
  ],
  [
    "may be mapped by a function, to none if it likes",
    [
      asset("taxes", {
        partitions: regions,
        deps: { countries: Asset.mappedBy(countries, (key) => (key === "us" ? ["us"] : [])) }
      })
    ],
    [run(), move("countries/us"), move("countries/de")],
    {
      status: { "taxes/us": "Stale: countries has changed in us" },
      ran: { "countries/at, us": "Verified", "countries/de": "Materialized" }
    }
  ],
  [
    "need each one that they are mapped to",
    [byCountry(["at", "de"])],
    [request({ selection: ["countries"], partition: "at" }), ask({ selection: ["taxes"] })],
    {
      plan: [
        "taxes/eu needs countries/de, which was never materialized and is not in this plan; try: assets materialize +taxes"
      ]
    }
  ]
])

const customers = Partition.dynamic("customers")
const orders = asset("orders", { partitions: customers })
const bills = asset("bills", { partitions: customers, deps: { orders } })
const total = asset("total", { deps: { orders } })
const newest = asset("newest", { deps: { orders: Asset.lastPartition(orders) } })

table("keys that come and go", [
  [
    "are none at first, and what reads them has nothing to read",
    [total],
    [ask()],
    { slices: { orders: "" }, plan: ["total is left out: it depends on orders, no partition of which has begun"] }
  ],
  [
    "are Missing once they were added, and what reads them all is Maybe",
    [total],
    [add(customers, "acme", "bolt"), run(), add(customers, "cargo")],
    { status: { "orders/cargo": "Missing", total: "Maybe: orders" } }
  ],
  [
    "are told to what reads them all",
    [total],
    [add(customers, "acme"), run(), add(customers, "bolt", "cargo", "dot"), run("orders")],
    { status: { total: "Stale: orders has changed in bolt..dot" } }
  ],
  [
    "that are removed are no slices, and are missed by what reads them all",
    [bills, total],
    [add(customers, "acme", "bolt"), run(), remove(customers, "acme")],
    { slices: { orders: "bolt", bills: "bolt" }, status: { total: "Stale: orders acme was removed" } }
  ],
  [
    "that are added again count again",
    [bills, total],
    [add(customers, "acme", "bolt"), run(), remove(customers, "acme"), add(customers, "acme")],
    { status: {} }
  ],
  [
    "that are removed are left out of what is made then",
    [total],
    [add(customers, "acme", "bolt"), run(), remove(customers, "acme"), run()],
    { ran: { total: "Materialized" }, status: {} }
  ],
  [
    "are read by key",
    [bills],
    [add(customers, "acme", "bolt"), run(), move("orders/bolt")],
    { status: { "bills/bolt": "Stale: orders has changed in bolt" } }
  ],
  [
    "have a last one, which is the one that was added last",
    [newest],
    [add(customers, "bolt"), run(), shows("orders/acme", "1"), add(customers, "acme"), run("orders")],
    { status: { newest: "Stale: orders has changed in acme" } }
  ],
  [
    "have the one before as the last when the last is removed",
    [newest],
    [add(customers, "bolt", "acme"), shows("orders/acme", "1"), run(), remove(customers, "acme")],
    { status: { newest: "Stale: orders has changed in bolt, and acme was removed" } }
  ],
  [
    "have no last one at first, and what reads it has nothing to read, partitioned or not",
    [
      newest,
      asset("days", {
        partitions: Partition.daily({ start: "2026-03-09" }),
        deps: { newest: Asset.lastPartition(orders) }
      })
    ],
    [ask()],
    {
      slices: { days: "2026-03-09..2026-03-10" },
      plan: [
        "newest is left out: it depends on orders, no partition of which has begun",
        "days is left out: it depends on orders, no partition of which has begun"
      ]
    }
  ],
  [
    "have no last one at first, which is no cause to what is to read it from then on",
    [asset("newest")],
    [run(), declare(newest)],
    { status: {} }
  ],
  [
    "that are all removed make what read the last one Stale, and nothing to read from then on, forced or not",
    [newest],
    [add(customers, "acme"), run(), remove(customers, "acme"), ask({ force: true })],
    {
      status: { newest: "Stale: orders acme was removed" },
      plan: ["newest is left out: it depends on orders, no partition of which has begun"]
    }
  ],
  [
    "that are all removed make what reads them all Stale, by their names",
    [total],
    [add(customers, "acme", "bolt"), run(), remove(customers, "acme"), remove(customers, "bolt")],
    { slices: { orders: "" }, status: { total: "Stale: orders acme, bolt were removed" } }
  ],
  [
    "that were removed before, never published, or added again are not told of as removed",
    [total],
    [
      add(customers, "acme", "bolt", "cargo", "dot"),
      run(),
      remove(customers, "acme"),
      run(),
      add(customers, "echo"),
      remove(customers, "bolt", "cargo", "echo"),
      add(customers, "cargo")
    ],
    { status: { total: "Stale: orders bolt was removed" } }
  ],
  [
    "may be removed while others change",
    [total],
    [add(customers, "acme", "bolt"), run(), move("orders/bolt"), remove(customers, "acme")],
    { status: { total: "Stale: orders has changed in bolt, and acme was removed" } }
  ],
  [
    "that were removed are refused as such, and the first of those there are are told",
    [orders],
    [add(customers, "acme", "bolt", "cargo", "dot", "echo"), remove(customers, "acme"), ask({ partition: "acme" })],
    { plan: ["orders has no partition acme; acme was removed; it has bolt, cargo, dot, ... and echo"] }
  ],
  [
    "that never were are refused otherwise",
    [orders],
    [add(customers, "bolt", "cargo"), ask({ partition: "acme" })],
    { plan: ["orders has no partition acme; it has bolt, cargo"] }
  ],
  [
    "are told to be gone when none is left",
    [orders],
    [add(customers, "acme"), remove(customers, "acme"), ask({ partition: "acme" })],
    { plan: ['orders has no partition acme; acme was removed; there is none left (dynamic "customers")'] }
  ],
  [
    "that are all removed leave nothing to read to what reads them all and was never made",
    [total],
    [add(customers, "acme"), run("orders"), remove(customers, "acme"), ask()],
    { plan: ["total is left out: it depends on orders, no partition of which has begun"] }
  ],
  [
    "that are all removed are the only reason told where something else may change",
    [asset("newest", { deps: { users: asset("users"), orders: Asset.lastPartition(orders) } })],
    [add(customers, "acme"), run(), remove(customers, "acme"), edit("users", "2"), ask()],
    {
      plan: [
        "users - certain: code version 1 became 2",
        "newest is left out: it depends on orders, no partition of which has begun"
      ]
    }
  ]
])

const shops = asset("shops", { partitions: Partition.product({ region: regions, customer: customers }) })

table("keys of a product that come and go", [
  [
    "are told of by their names to those that read them",
    [asset("report", { deps: { shops } }), asset("taxes", { partitions: regions, deps: { shops } })],
    [add(customers, "acme", "bolt"), run(), remove(customers, "acme")],
    {
      status: {
        report: "Stale: shops acme was removed",
        "taxes/eu, us": "Stale: shops acme was removed"
      }
    }
  ],
  [
    "and are not told of to those whose slices were not published",
    [asset("taxes", { partitions: regions, deps: { shops } })],
    [
      add(customers, "acme"),
      run(),
      add(customers, "bolt"),
      request({ selection: ["shops"], partition: "eu|bolt" }),
      run("taxes"),
      remove(customers, "bolt")
    ],
    { status: { "taxes/eu": "Stale: shops bolt was removed" } }
  ]
])

const daysAndRegions = Partition.product({ day: Partition.daily({ start: "2026-03-08" }), region: regions })
const sales = asset("sales", { partitions: daysAndRegions })
const days = asset("days", { partitions: Partition.daily({ start: "2026-03-08" }) })
const visits = asset("visits", {
  partitions: Partition.product({ hour: Partition.hourly({ start: "2026-03-09" }), region: regions })
})
const regionalDay = asset("regional_day", {
  partitions: Partition.product({ day: Partition.daily({ start: "2026-03-09" }), region: regions }),
  deps: { visits }
})
const byModel = Partition.product({ region: regions, model: Partition.fixed(["small", "large"]) })

table("products", [
  [
    "are every combination, and told as ranges of their dimensions",
    [sales],
    [],
    { slices: { sales: "*" }, whole: { sales: "Missing (6 Missing)" } }
  ],
  [
    "are read by key",
    [asset("margins", { partitions: daysAndRegions, deps: { sales } })],
    [run(), move("sales/2026-03-09|eu")],
    { status: { "margins/day=2026-03-09 region=eu": "Stale: sales has changed in 2026-03-09|eu" } }
  ],
  [
    "are read by key where there are more of them",
    [
      asset("margins", {
        partitions: Partition.product({
          day: Partition.daily({ start: "2026-03-09" }),
          region: Partition.fixed(["us"])
        }),
        deps: { sales }
      })
    ],
    [run(), shows("sales/2026-03-09|eu", "1"), move("sales/2026-03-09|us")],
    { status: { "margins/day=2026-03-09": "Stale: sales has changed in 2026-03-09|us" } }
  ],
  [
    "are read by day through all regions",
    [asset("daily_sales", { partitions: days.partitions, deps: { sales } })],
    [run(), shows("sales/2026-03-08|eu", "1"), shows("sales/2026-03-09|eu", "1"), move("sales/2026-03-09|us")],
    {
      status: {
        "daily_sales/2026-03-08": "Stale: sales has changed in day=2026-03-08 region=eu",
        "daily_sales/2026-03-09": "Stale: sales has changed in day=2026-03-09"
      },
      whole: {
        daily_sales: "Stale (2 Stale, 1 Current); sales has changed in day=2026-03-08 region=eu, day=2026-03-09"
      }
    }
  ],
  [
    "are read by region through all days",
    [asset("regional", { partitions: regions, deps: { sales } })],
    [run(), shows("sales/2026-03-08|us", "1"), move("sales/2026-03-10|us")],
    { status: { "regional/us": "Stale: sales has changed in day=2026-03-08,2026-03-10 region=us" } }
  ],
  [
    "read the day of theirs, in all regions",
    [asset("sales", { partitions: daysAndRegions, deps: { days } })],
    [run(), move("days/2026-03-09")],
    { status: { "sales/day=2026-03-09": "Stale: days has changed in 2026-03-09" } }
  ],
  [
    "read the region of theirs, on all days",
    [asset("sales", { partitions: daysAndRegions, deps: { prices } })],
    [run(), move("prices/us")],
    { status: { "sales/region=us": "Stale: prices has changed in us" } }
  ],
  [
    "meet other products in one dimension",
    [asset("forecasts", { partitions: byModel, deps: { sales: Asset.dimension(sales, "region") } })],
    [run(), move("sales/2026-03-09|eu")],
    { status: { "forecasts/region=eu": "Stale: sales has changed in day=2026-03-09 region=eu" } }
  ],
  [
    "of which all are read tell what changed as few ranges",
    [asset("report", { deps: { sales } })],
    [
      run(),
      shows("sales/2026-03-08|eu", "1"),
      shows("sales/2026-03-08|us", "1"),
      shows("sales/2026-03-09|eu", "1"),
      move("sales/2026-03-09|us")
    ],
    { status: { report: "Stale: sales has changed in day=2026-03-08..2026-03-09" } }
  ],
  [
    "that changed throughout are told as everything",
    [asset("margins", { partitions: daysAndRegions, deps: { users: asset("users") } })],
    [run(), edit("margins", "2")],
    { status: { "margins/*": "Stale: code version 1 became 2" } }
  ],
  [
    "have new slices for each new day",
    [asset("regional", { partitions: regions, deps: { sales } })],
    [run(), pass("12 hours")],
    { status: { "sales/day=2026-03-11": "Missing", "regional/eu, us": "Maybe: sales" } }
  ],
  [
    "have new slices for each key that is added",
    [
      asset("orders", {
        partitions: Partition.product({ day: Partition.daily({ start: "2026-03-08" }), customer: customers })
      })
    ],
    [add(customers, "acme"), run(), add(customers, "bolt")],
    { status: { "orders/customer=bolt": "Missing" } }
  ],
  [
    "are Maybe where the one slice they read was wiped",
    [asset("margins", { partitions: daysAndRegions, deps: { sales } })],
    [run(), wipe("sales/2026-03-09|eu")],
    {
      status: {
        "sales/day=2026-03-09 region=eu": "Missing",
        "margins/day=2026-03-09 region=eu": "Maybe: sales"
      }
    }
  ],
  [
    "read smaller windows of the same region along time",
    [regionalDay],
    [run(), move("visits/2026-03-09T03:00Z|eu")],
    {
      status: {
        "regional_day/day=2026-03-09 region=eu": "Stale: visits has changed in hour=2026-03-09T03:00Z region=eu"
      }
    }
  ],
  [
    "read windows before their own, of the same region",
    [
      asset("trailing", {
        partitions: daysAndRegions,
        deps: { sales: Asset.windows(sales, { start: -1 }) }
      })
    ],
    [run(), move("sales/2026-03-08|us")],
    {
      status: {
        "trailing/day=2026-03-08..2026-03-09 region=us": "Stale: sales has changed in day=2026-03-08 region=us"
      }
    }
  ],
  [
    "are read along time by what has no regions, all of them",
    [asset("week", { partitions: Partition.weekly({ start: "2026-03-09" }), deps: { sales } })],
    [run(), move("sales/2026-03-10|us"), move("sales/2026-03-08|us")],
    { status: { "week/2026-03-09": "Stale: sales has changed in day=2026-03-10 region=us" } }
  ],
  [
    "wait for the windows of the same region",
    [regionalDay],
    [at("2026-03-09T01:00Z"), ask()],
    {
      waits: {
        "regional_day/region=eu": "visits/region=eu",
        "regional_day/region=us": "visits/region=us"
      }
    }
  ],
  [
    "wait for what they read of another, and nothing else",
    [asset("daily_sales", { partitions: days.partitions, deps: { sales } })],
    [at("2026-03-09T12:00Z"), ask()],
    {
      waits: {
        "daily_sales/2026-03-08": "sales/day=2026-03-08",
        "daily_sales/2026-03-09": "sales/day=2026-03-09"
      }
    }
  ]
])
