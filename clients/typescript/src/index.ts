// What stands beside the generated types: who calls (FAPI 2.0, DPoP), and what is tried again.

import createClient, { type Client } from 'openapi-fetch'
import { CityFetch, type Credentials } from './fetch.js'
import type { paths } from './generated/api.js'

export type { Credentials } from './fetch.js'
export type { components, operations, paths } from './generated/api.js'

/** A client that calls in its own name: it fetches tokens, proves its key, repeats what may be. */
export function connect(credentials: Credentials, scope = ''): Client<paths> {
  const way = new CityFetch(credentials, scope)
  return createClient<paths>({ baseUrl: credentials.issuer, fetch: (request) => way.send(request) })
}

/** A client of an address, with a token that was got elsewhere, or with none. */
export function connectWith(baseUrl: string, token = ''): Client<paths> {
  return createClient<paths>({
    baseUrl,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  })
}

/** A key for one thing that is meant once: keep it, and repeat with it. */
export function newKey(): string {
  return crypto.randomUUID()
}
