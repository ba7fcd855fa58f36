import * as Layer from "effect/Layer"
import * as MemoryTables from "../../runtime/MemoryTables.ts"
import * as SqlTables from "../../runtime/SqlTables.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as TableContract from "./TableContract.ts"

TableContract.suite("tables in memory", MemoryTables.layer)
TableContract.suite("tables in PostgreSQL", Layer.provideMerge(SqlTables.layer, TestDatabase.layer()))
