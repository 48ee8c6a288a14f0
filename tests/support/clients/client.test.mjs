// ServiceStack's own client for JavaScript against a running service; `node --test` runs it.
// The environment names the service (BASE_URL), its administrator (ADMIN, ADMIN_PASSWORD), somebody
// without rights (AUDITOR, AUDITOR_PASSWORD), a bearer token (TOKEN) and the file that holds the
// service's own types (DTOS).
import assert from "node:assert/strict"
import { test } from "node:test"
import { JsonApiClient, JsonServiceClient } from "@servicestack/client"

const { BASE_URL, ADMIN, ADMIN_PASSWORD, AUDITOR, AUDITOR_PASSWORD, TOKEN, DTOS } = process.env
const dtos = await import(DTOS)
const HARD = 'p, "q"\né 😀 \\ \t {[:]}'

const anonymous = () => new JsonServiceClient(BASE_URL)

function signedIn(client = anonymous()) {
    client.setCredentials(ADMIN, ADMIN_PASSWORD)
    return client
}

const ways = {
    "/api": () => signedIn(),
    "/json/reply": () => { const client = signedIn(); client.basePath = ""; return client },
    "text/plain bodies": () => signedIn(JsonApiClient.create(BASE_URL)),
}

for (const [name, connect] of Object.entries(ways)) {
    test(`${name}: a session is made, read, changed, left alone and deleted`, async () => {
        const client = connect()
        const made = await client.post(new dtos.NewAISession({ accountId: "String", purpose: HARD }))
        assert.equal(made.purpose, HARD)
        assert.equal(made.accountName, "String")
        const sessionId = made.id
        const patched = await client.patch(new dtos.PatchAISession({ sessionId, purpose: "x" }))
        assert.equal(patched.purpose, "x")
        const untouched = await client.patch(new dtos.PatchAISession({ sessionId, purpose: null }))
        assert.equal(untouched.purpose, "x")
        assert.deepEqual(await client.get(new dtos.GetAISession({ sessionId })), untouched)
        const deleted = await client.apiVoid(new dtos.DeleteAISession({ sessionId }))
        assert.ok(deleted.succeeded, JSON.stringify(deleted))
        const gone = await client.api(new dtos.GetAISession({ sessionId }))
        assert.equal(gone.error.errorCode, "NotFound")
    })

    test(`${name}: a list is filtered, sorted and paged`, async () => {
        const client = connect()
        const account = await client.post(new dtos.NewAccount({ name: "JavaScript" }))
        for (const purpose of ["1", "2", "3"])
            await client.post(new dtos.NewAISession({ accountId: account.id, purpose }))
        const page = await client.get(new dtos.ListAISessions({
            accountIds: [account.id, "another"], page: 0, countPerPage: 2, all: false,
            sortField: "purpose", sortOrder: dtos.SortOrder.Descend, specificIds: null,
        }))
        assert.deepEqual(page.items.map(item => item.purpose), ["3", "2"])
        assert.equal(page.totalCount, 3)
        assert.equal((await client.send(new dtos.ListAISessions({ page: 0 }))).items.length > 0, true)
    })

    test(`${name}: several requests go in one call`, async () => {
        const client = connect()
        const requests = [new dtos.NewAISession({ purpose: "a" }), new dtos.NewAISession({})]
        const made = await client.sendAll(requests)
        assert.deepEqual(made.map(one => one.purpose), ["a", undefined])
        await assert.rejects(
            client.sendAll([new dtos.NewAISession({}), new dtos.NewAISession({ accountId: "?" })]),
            error => error.responseStatus.meta.AutoBatchIndex === "1",
        )
    })

    test(`${name}: actions are proposed, deleted, cleared and applied`, async () => {
        const client = connect()
        const { id: sessionId } = await client.post(new dtos.NewAISession({}))
        const propose = functionName =>
            client.send(new dtos.NewAISessionAction({ sessionId, functionName, canBeApplied: true }))
        const proposed = await propose("f")
        assert.equal(proposed.actions[0].functionName, "f")
        const actionId = proposed.actions[0].id
        await client.send(new dtos.DeleteAISessionAction({ sessionId, actionId }))
        await propose("g")
        const cleared = await client.send(new dtos.ClearAISessionActions({ sessionId }))
        assert.equal(cleared.actions, undefined)
        await propose("h")
        assert.equal((await client.send(new dtos.ApplyAISession({ sessionId }))).id, sessionId)
    })

    test(`${name}: what is wrong is told by its field`, async () => {
        const answer = await connect().api(new dtos.NewAISession({ accountId: "nowhere" }))
        assert.equal(answer.error.errorCode, "AccountNotFound")
        assert.equal(answer.error.errors[0].fieldName, "AccountId")
        const session = await connect().post(new dtos.NewAISession({}))
        const action = new dtos.NewAISessionAction({ sessionId: session.id })
        const refused = await connect().apiVoid(action)
        assert.equal(refused.error.errorCode, "NotEmpty")
    })
}

test("documented routes serve it too", async () => {
    const client = signedIn()
    const made = await client.postToUrl("/ai/sessions", new dtos.NewAISession({ purpose: "a" }))
    const patch = new dtos.PatchAISession({ purpose: "b" })
    const patched = await client.patchToUrl(`/ai/sessions/${made.id}`, patch)
    assert.equal(patched.purpose, "b")
    assert.deepEqual(await client.get(`/ai/sessions/${made.id}`), patched)
    assert.equal(await client.delete(`/ai/sessions/${made.id}`).then(() => true), true)
})

test("a request without the methods of a generated one goes by the name of its class", async () => {
    class NewAISession { constructor(init) { Object.assign(this, init) } }
    const made = await signedIn().post(new NewAISession({ purpose: "plain" }))
    assert.equal(made.purpose, "plain")
})

test("cookies of a sign-in are kept and sent, until the sign-out", async () => {
    const client = anonymous()
    const sent = []
    client.requestFilter = request => sent.push(request.headers.get("Cookie"))
    const signedIn = await client.post(new dtos.Authenticate({
        provider: "credentials", userName: ADMIN, password: ADMIN_PASSWORD, rememberMe: true,
    }))
    for (const name of ["userId", "userName", "displayName"])
        assert.equal(signedIn[name], ADMIN, name)
    assert.ok(signedIn.sessionId)
    assert.equal((await client.get(new dtos.Authenticate())).sessionId, signedIn.sessionId)
    for (const name of ["ss-id", "ss-pid", "ss-opt"])
        assert.ok(name in client.cookies, name)
    const made = await client.post(new dtos.NewAISession({ purpose: "by a cookie" }))
    assert.equal(made.createdBy, ADMIN)
    assert.match(sent.at(-1), /^ss-id=[\w-]{43}; ss-pid=[\w-]{43}; ss-opt=perm(;|$)/)
    assert.ok((await client.api(new dtos.GetAuthStatus())).response.isAuthenticated)
    await client.post(new dtos.Authenticate({ provider: "logout" }))
    assert.equal((await client.get(new dtos.GetAuthStatus())).isAuthenticated, false)
})

test("a bearer token signs in, and another one is had for it", async () => {
    const client = anonymous()
    client.bearerToken = TOKEN
    const { authToken } = await client.get(new dtos.RequestAuthToken({ userId: ADMIN }))
    client.bearerToken = authToken
    assert.equal((await client.post(new dtos.NewAISession({}))).createdBy, ADMIN)
})

const refusals = [
    ["nobody", undefined, undefined, "Unauthorized", 401],
    ["a stranger", "nobody by that name", "node client", "Unauthorized", 401],
    ["somebody without the role", AUDITOR, AUDITOR_PASSWORD, "Forbidden", 403],
]
for (const [who, name, password, errorCode, status] of refusals) {
    test(`${who} is told why not`, async () => {
        const client = anonymous()
        if (name) client.setCredentials(name, password)
        let answered
        client.responseFilter = response => { answered = response.status }
        client.exceptionFilter = response => { answered = response.status }
        const answer = await client.api(new dtos.NewAISession({}))
        assert.equal(answer.error.errorCode, errorCode)
        assert.ok(answer.error.message)
        assert.equal(answered, status)
    })
}
