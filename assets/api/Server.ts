/** The service on a port: its routes over HTTP/1.1, until the scope closes. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Http from "node:http"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type * as HttpServerError from "effect/http/HttpServerError"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import { type Definitions, Erasure, Published } from "../../runtime/index.ts"
import * as Experiment from "../experiments/Experiment.ts"
import { features } from "../features.ts"
import { listenHistory } from "../listen_history.ts"
import { model } from "../model.ts"
import { modelChampion } from "../model_champion.ts"
import { recommendations } from "../recommendations.ts"
import { CannotListen } from "../source/CannotListen.ts"
import { tracks } from "../tracks.ts"
import * as Access from "./Access.ts"
import { Api, paths, routes } from "./Api.ts"
import * as ApiKey from "./ApiKey.ts"
import * as Champion from "./Champion.ts"
import * as Problem from "./Problem.ts"
import * as Routes from "./Routes.ts"
import * as Trial from "./Trial.ts"

export interface Options {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Whether everybody is let in as long as no key was ever made. */
  readonly open: boolean
  /** Requests a second of each key. */
  readonly perSecond: number
  /** Whose assets an erasure reaches. */
  readonly definitions: Definitions.Definitions
  readonly experiments: ReadonlyArray<Experiment.Experiment>
}

/** Listens until the scope closes, which waits up to 5 s for requests under way; gives the base URL. */
export const start = Effect.fn("Server.start")(function* ({ host, port, ...served }: Options) {
  const server = yield* NodeHttpServer.make(Http.createServer, {
    host,
    port,
    gracefulShutdownTimeout: "5 seconds"
  }).pipe(Effect.mapError((error) => new CannotListen({ host, port, code: codeOf(error) })))
  const app = yield* HttpRouter.toHttpEffect(api(served)).pipe(Effect.provide(NodeHttpServer.layerHttpServices))
  yield* HttpServer.serveEffect(
    app.pipe(Problem.everywhere(routes), Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.mebibytes(1)))
  ).pipe(Effect.provideService(HttpServer.HttpServer, server))
  return new URL(HttpServer.formatAddress(server.address))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const api = ({ definitions, experiments, ...access }: Omit<Options, "host" | "port">) =>
  Layer.mergeAll(
    HttpApiBuilder.layer(Api, { openapiPath: paths.openapi }),
    HttpApiScalar.layer(Api, { path: paths.docs })
  ).pipe(
    Layer.provide(Routes.layer),
    Layer.provide(
      Experiment.serves(experiments, "challenger") ? Champion.layerChallenger : Champion.layerWithoutChallenger
    ),
    Layer.provide([Access.layer(access), HttpApiMiddleware.layerProblemDetails({ includeDetails: true })]),
    Layer.provide([
      ApiKey.layer("2 seconds"),
      Erasure.layer(definitions),
      Layer.succeed(Trial.Running, experiments),
      Published.layer([recommendations, features, modelChampion, model, listenHistory, tracks])
    ])
  )

const codeOf = ({ cause }: HttpServerError.ServeError): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
