/** The routes of the service: what they take and give, and the scope of a key that each needs. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { Table } from "../../runtime/index.ts"
import * as Access from "./Access.ts"
import * as Problem from "./Problem.ts"

const Id = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const isMoment = (text: string): boolean => {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  return Schema.is(Table.Day)(day) && !Number.isNaN(Date.parse(text))
}

/**
 * ISO 8601 with its offset from UTC: `Date` would read one without it by the zone of this machine, and take 30 February for 2 March. It
 * reaches further than Postgres, too, which reads no year before 1 from a text of this form.
 */
const Moment = Schema.String.check(
  Schema.makeFilter(isMoment, { expected: "a moment such as 2025-01-31T12:00:00Z, with its offset from UTC" })
).pipe(
  Schema.decodeTo(
    Schema.DateFromString.check(
      Schema.isBetweenDate({ minimum: new Date("0001-01-01T00:00:00Z"), maximum: new Date("9999-12-31T23:59:59.999Z") })
    )
  )
)

export const most = { items: 50, posted: 1000 } as const

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most.items })).pipe(
  Schema.withDecodingDefaultKey(Effect.succeed(10))
)
const Explain = Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))

export const Track = Schema.Struct({ id: Id, name: Schema.String, artist: Schema.String })
export type Track = typeof Track.Type

/**
 * Where an item comes from, best first: who asks for recommendations gets them from the first source that has some left.
 * What is explored was drawn at random in place of another, to learn about tracks that no source would show.
 */
export const Origin = Schema.Literals(["personal", "together", "similar", "popular", "explored"])
export type Origin = typeof Origin.Type

export const Item = Schema.Struct({
  track_id: Id,
  /** Comparable among items of one origin, and never rising among them. */
  score: Schema.Finite,
  origin: Origin,
  /** With `explain`: the track itself, and the one that speaks most for it, if one does. */
  track: Schema.optionalKey(Track),
  because: Schema.optionalKey(Schema.NullOr(Track))
})
export type Item = typeof Item.Type

/**
 * `origin` is of the first item that was not drawn at random; `reason` says why that is not the first origin, where it is
 * not. Some users get what is popular for comparison with the others.
 */
export const Recommendations = Schema.Struct({
  user_id: Schema.NullOr(Id),
  origin: Schema.NullOr(Origin),
  reason: Schema.Literals([
    "as asked",
    "not recommended anything yet",
    "nothing more to recommend by taste",
    "for comparison"
  ]),
  items: Schema.Array(Item)
})
export type Recommendations = typeof Recommendations.Type

export const Items = Schema.Struct({ track_id: Id, items: Schema.Array(Item) })

const Versions = {
  "x-model-version": Schema.String,
  "x-as-of": Schema.String
}
const tagged = { ...Versions, etag: Schema.String }

export const Listen = Schema.Struct({ user_id: Id, track_id: Id, listened_at: Moment })
export const Feedback = Schema.Struct({
  user_id: Id,
  track_id: Id,
  kind: Schema.Literals(["impression", "click"]),
  at: Moment,
  position: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most.items })),
  /** As the header X-Model-Version can hold it. */
  model_version: Schema.NonEmptyString.check(Schema.isMaxLength(200), Schema.isPattern(/^[!-~]*$/))
})
const posted = <S extends Schema.Top>(item: S) => Schema.NonEmptyArray(item).check(Schema.isMaxLength(most.posted))

/** Both count what was posted; what was there already is recorded once all the same. */
export const Receipt = Schema.Struct({ recorded: Schema.Int, repeated: Schema.Int })

const recommending = HttpApiGroup.make("recommending")
  .add(
    HttpApiEndpoint.get("recommendations", "/recommendations/:user", {
      params: { user: Id },
      query: { size: Size, explain: Explain },
      success: [HttpApiSchema.WithHeaders(Recommendations, tagged), HttpApiSchema.Empty(304)],
      error: [Problem.UnknownUser, Problem.NothingPublished]
    })
      .annotate(OpenApi.Summary, "What a user may like next, without what was heard since it was computed")
      .annotate(
        OpenApi.Description,
        "Experiments may put a track drawn at random in some places, of the origin explored, or give some users what is popular for comparison. What was answered is recorded; clicks are to be posted with the position and the X-Model-Version of the answer."
      ),
    HttpApiEndpoint.post("next", "/recommendations/next", {
      payload: Schema.Struct({ track_id: Id, user_id: Schema.optionalKey(Id), size: Size }),
      success: HttpApiSchema.WithHeaders(Recommendations, Versions),
      error: [Problem.UnknownUser, Problem.UnknownTrack, Problem.NothingPublished]
    }).annotate(OpenApi.Summary, "What is played on the same day as a track, without what the user knows already"),
    HttpApiEndpoint.get("similar", "/tracks/:id/similar", {
      params: { id: Id },
      query: { size: Size },
      success: [HttpApiSchema.WithHeaders(Items, tagged), HttpApiSchema.Empty(304)],
      error: [Problem.UnknownTrack, Problem.NothingPublished]
    }).annotate(OpenApi.Summary, "What is played by the same people as a track")
  )
  .middleware(Access.Access)

const listening = HttpApiGroup.make("listening")
  .add(
    HttpApiEndpoint.post("listens", "/listens", {
      payload: Schema.Struct({ listens: posted(Listen) }),
      success: Receipt,
      error: Problem.UnknownIds
    }).annotate(OpenApi.Summary, "Record what was heard; the next recommendations take it into account"),
    HttpApiEndpoint.post("feedback", "/feedback", {
      payload: Schema.Struct({ feedback: posted(Feedback) }),
      success: Receipt,
      error: Problem.UnknownIds
    }).annotate(OpenApi.Summary, "Record what was shown and clicked")
  )
  .annotateEndpoints(Access.Needs, "write")
  .middleware(Access.Access)

const users = HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.delete("erase", "/users/:id", {
      params: { id: Id },
      success: HttpApiSchema.Empty(204),
      error: Problem.UnknownUser
    }).annotate(OpenApi.Summary, "Delete all there is of a user, for good")
  )
  .annotateEndpoints(Access.Needs, "admin")
  .middleware(Access.Access)

const system = HttpApiGroup.make("system").add(
  HttpApiEndpoint.get("health", "/health", {
    success: Schema.Struct({
      status: Schema.Literal("ok"),
      recommendations: Schema.NullOr(Schema.Struct({ version: Schema.String, as_of: Schema.String }))
    })
  }).annotate(OpenApi.Summary, "Whether the database answers, and what is served; needs no key")
)

export class Api extends HttpApi.make("music")
  .add(recommending, listening, users, system)
  .middleware(HttpApiMiddleware.ProblemDetails)
  .annotateMerge(
    OpenApi.annotations({
      title: "Music recommendations",
      version: "1",
      description: "Every refusal is a problem document (RFC 9457)."
    })
  ) {}

export const paths = { openapi: "/openapi.json", docs: "/docs" } as const

const routesOf = (): ReadonlyArray<Problem.Route> => {
  const routes: Array<Problem.Route> = Object.values(paths).map((path) => ({ path, methods: new Set(["GET"]) }))
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint }) => routes.push({ path: endpoint.path, methods: new Set([endpoint.method]) })
  })
  return routes
}

/** Everything that can be asked for, with its methods. */
export const routes = routesOf()
