/** Who may ask, and how often: a key's scopes, and a bucket of requests for each key. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as ApiKey from "./ApiKey.ts"
import * as Loopback from "./Loopback.ts"
import * as Problem from "./Problem.ts"
import * as TokenBucket from "./TokenBucket.ts"

/** The scope that an endpoint asks of a key. */
export const Needs = Context.Reference<ApiKey.Scope>("music/Access/Needs", { defaultValue: () => "read" })

export class Access extends HttpApiMiddleware.Service<Access>()("music/Access", {
  security: { key: HttpApiSecurity.bearer },
  error: [Problem.Unauthorized, Problem.Forbidden, Problem.TooManyRequests]
}) {}

/** `open` lets everybody on this machine in as long as no key was ever made. `perSecond` is for each key; twice that may come at once. */
export const layer = ({ open, perSecond }: { readonly open: boolean; readonly perSecond: number }) =>
  Layer.effect(
    Access,
    Effect.gen(function* () {
      const keys = yield* ApiKey.ApiKeys
      const clock = yield* Clock.Clock
      const bucket = TokenBucket.make({ burst: 2 * perSecond, perSecond })

      const holder = Effect.fnUntraced(function* (text: string, scope: ApiKey.Scope) {
        if (open && !(yield* Effect.orDie(keys.any))) {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          if (Loopback.isMeant(headers["host"])) return "nobody"
          return yield* new Problem.Forbidden({ detail: "without a key only requests to localhost are answered" })
        }
        if (text === "") return yield* new Problem.Unauthorized({ detail: "send Authorization: Bearer KEY" })
        const key = yield* Effect.orDie(keys.find(text))
        if (key === undefined)
          return yield* new Problem.Unauthorized({ detail: "there is no such key, or it was revoked" })
        if (!ApiKey.allows(key, scope)) {
          return yield* new Problem.Forbidden({ detail: `the key ${key.id} lacks the scope ${scope}` })
        }
        return key.id
      })

      return {
        key: Effect.fnUntraced(function* (answer, { credential, endpoint }) {
          const name = yield* holder(Redacted.value(credential), Context.get(endpoint.annotations, Needs))
          const wait = bucket.take(name, clock.currentTimeMillisUnsafe())
          if (wait === 0) return yield* answer
          const seconds = String(Math.ceil(wait))
          yield* HttpEffect.appendPreResponseHandler((_, response) =>
            Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", seconds))
          )
          return yield* new Problem.TooManyRequests({ detail: `${perSecond} requests a second are allowed` })
        })
      }
    })
  )
