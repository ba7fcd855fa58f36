/** The API that the project reads: the one of `MUSIC_API_URL`, or the demo source in this process. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Definitions } from "../../runtime/index.ts"
import * as MusicApi from "./MusicApi.ts"
import * as PageReader from "./PageReader.ts"

export class Source extends Context.Service<
  Source,
  {
    readonly url: URL
    /** How it came to be that one. */
    readonly chosenBy: string
    readonly http: HttpClient.HttpClient
  }
>()("effect-assets/assets/source/Source") {}

const HttpUrl = Schema.String.check(
  Schema.makeFilter((text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    expected: "a URL such as http://localhost:8000"
  }),
  Schema.makeFilter((text: string) => !URL.canParse(text) || isEncoded(new URL(text)), {
    expected: "a URL whose user and password are percent-encoded (% is %25)"
  })
)

/** Where the API is; without it the demo source is started on a free loopback port. */
export const url = Config.schema(HttpUrl, "MUSIC_API_URL").pipe(
  Config.map((text) => new URL(text)),
  Config.option
)

const source = Layer.effect(
  Source,
  Effect.gen(function* () {
    const http = yield* HttpClient.HttpClient
    const configured = yield* url
    if (Option.isSome(configured)) return { url: configured.value, chosenBy: "MUSIC_API_URL", http }
    // Most commands never ask it anything.
    const DemoSource = yield* Effect.promise(() => import("./DemoSource.ts"))
    return { url: yield* DemoSource.start, chosenBy: "the demo source, as MUSIC_API_URL is not set", http }
  })
)

export const layer = Layer.unwrap(Effect.map(Source, ({ url }) => MusicApi.layer({ baseUrl: url }))).pipe(
  Layer.provideMerge(source),
  Layer.provide(FetchHttpClient.layer)
)

const once = {
  concurrency: 1,
  pageSize: 1,
  rate: 1,
  retries: 0,
  timeout: Duration.seconds(5),
  maxRetryAfter: Duration.zero
}

/** Asks for one user, once. */
export const diagnostic: Definitions.Diagnostic<Source> = {
  name: "api",
  run: Effect.gen(function* () {
    const { chosenBy, http, url } = yield* Source
    const address = `${url.origin}${url.pathname} (${chosenBy})`
    const reader = PageReader.make(http, { ...once, baseUrl: url })
    return yield* Effect.matchEffect(reader.read("/users", 1), {
      onSuccess: ({ total }) => Effect.succeed(`${total} users at ${address}`),
      onFailure: (error) =>
        new Definitions.DiagnosticFailed({
          problem: `no answer as the contract has it from ${address}: ${error.message}`,
          remedy: "start the API, or point MUSIC_API_URL at it; `npm run source` serves the demo"
        })
    })
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isEncoded = ({ password, username }: URL): boolean => !/%(?![0-9a-f]{2})/i.test(username + password)
