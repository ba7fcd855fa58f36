/** Answers that a client may keep: JSON with a tag of its content, and nothing but the tag where the client has it. */
import * as Crypto from "node:crypto"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"

/** What the answer was made from; `asOf` is ISO 8601. */
export interface Made {
  readonly modelVersion: string
  readonly asOf: string
}

export const headersOf = ({ asOf, modelVersion }: Made) => ({ "x-model-version": modelVersion, "x-as-of": asOf })

/** 200 with the body, or 304 where `If-None-Match` names what would be answered. */
export const tagged = (
  request: HttpServerRequest.HttpServerRequest,
  made: Made,
  body: unknown
): HttpServerResponse.HttpServerResponse => {
  const text = JSON.stringify(body)
  const tag = `"${Crypto.hash("sha256", `${made.modelVersion} ${made.asOf} ${text}`, "base64url")}"`
  // A listen changes the answer at once, so it is asked for again each time.
  const headers = { ...headersOf(made), etag: tag, "cache-control": "private, no-cache" }
  return isKnown(request.headers["if-none-match"], tag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.text(text, { headers, contentType: "application/json" })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** RFC 9110, section 13.1.2: a list of tags, compared weakly, or any. */
const isKnown = (header: string | undefined, tag: string): boolean =>
  header !== undefined &&
  (header.trim() === "*" || header.split(",").some((known) => known.trim().replace(/^W\//, "") === tag))
