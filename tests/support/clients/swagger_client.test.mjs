// npm's swagger-client, driven by a description of the chat session API; `node --test` runs it.
// It is given the variant that describes JSON alone, as a client is that does not speak all formats:
// the client would take minutes of some machines to follow every reference of the whole.
// The environment names the service (BASE_URL), a bearer token (TOKEN), the vendor's official
// descriptions (OFFICIAL, a folder) and a file with the documented entity (SAMPLE).
import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { get } from "node:http"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import SwaggerClient from "swagger-client"

const { BASE_URL, TOKEN, OFFICIAL, SAMPLE } = process.env
const entity = JSON.parse(await readFile(SAMPLE, "utf-8"))
delete entity.ChatSessionId

const requestInterceptor = request => {
    request.headers.Authorization = `SoTicket ${TOKEN}`
    return request
}

// Reads a page over a connection of its own: the client then takes its time (half a minute on some
// machines) to follow every reference, and a connection that was kept would be closed meanwhile.
const read = url => new Promise((resolve, reject) => {
    get(url, { agent: false }, async answer => resolve(JSON.parse(await text(answer)))).on("error", reject)
})

async function readOwn() {
    const url = `${BASE_URL}/schema/openapi.json?formats=json`
    const client = await SwaggerClient({ url, spec: await read(url) })
    assert.deepEqual(client.errors, [])
    const run = (operationId, parameters = {}, body = undefined) => client.execute(
        { operationId, parameters, requestBody: body, requestInterceptor })
    return { rest: run, agent: (name, ...rest) => run(`ChatAgent_${name}`, ...rest) }
}

let reading
const own = () => reading ??= readOwn()

async function official() {
    const load = async (name, prefix) => {
        const spec = JSON.parse(await readFile(join(OFFICIAL, `Swagger-v1-${name}.json`), "utf-8"))
        const client = await SwaggerClient({
            spec: { ...spec, host: new URL(BASE_URL).host, schemes: ["http"] } })
        assert.deepEqual(client.errors, [])
        return (operationId, parameters = {}, body = undefined) => {
            const path = Object.values(client.spec.paths).flatMap(Object.values)
                .find(each => [each.operationId, each.__originalOperationId].includes(prefix + operationId))
            const named = path.parameters.find(each => each.in === "body")
            return client.execute({
                operationId: prefix + operationId,
                parameters: named === undefined ? parameters : { ...parameters, [named.name]: body },
                requestInterceptor,
            })
        }
    }
    return {
        rest: await load("ChatSession", "v1ChatSessionEntity_"),
        agent: await load("ChatAgent", "v1ChatAgent_"),
    }
}

for (const [name, connect] of Object.entries({ own, official })) {
    test(`${name}: a session is made, replaced, shown, picked up, talked in and deleted`, async () => {
        const { rest, agent } = await connect()
        const made = (await rest("PostChatSessionEntity", {}, entity)).body
        const id = made.ChatSessionId
        const put = await rest("PutChatSessionEntity", { id, $select: "Status,Rating" }, entity)
        assert.equal(put.status, 200)
        assert.deepEqual([put.body.Status, put.body.Rating], [entity.Status, entity.Rating])
        assert.equal(put.body.CustomerName, null)
        const shown = (await rest("GetChatSessionEntity", { id })).body
        for (const [key, value] of Object.entries(entity)) assert.deepEqual(shown[key], value, key)
        const listed = await rest("GetAll", { $filter: `chatSessionId eq ${id}`, $top: 1 })
        assert.equal(listed.body.value[0].PrimaryKey, String(id))

        const queued = (await agent("CreateChatSessionForTopic", {}, { ChatTopicId: 7 })).body
        const chatSessionId = queued.ChatSessionId
        const picked = (await rest("PickUpChatSession", { chatSessionId })).body
        assert.ok(picked.User.AssociateId > 0)
        const message = { Type: "ToCustomer", Message: "Hello" }
        await rest("AddChatMessage", { chatSessionId }, message)
        const said = (await agent("GetChatMessages", {}, { ChatSessionId: chatSessionId })).body
        assert.deepEqual(said.map(each => each.Message), ["Hello"])

        assert.equal((await rest("DeleteChatSessionEntity", { id })).status, 204)
        await assert.rejects(rest("GetChatSessionEntity", { id }), { status: 404 })
        const gone = await agent("GetChatSessionEntity", { chatSessionEntityId: id })
        assert.equal(gone.text, "null")
    })
}

test("own: a patch is sent as the description says", async () => {
    const { rest } = await own()
    const id = (await rest("PostChatSessionEntity", {}, entity)).body.ChatSessionId
    const patch = [{ op: "replace", path: "rating", value: 5 }]
    assert.equal((await rest("PatchChatSessionEntity", { id }, patch)).body.Rating, 5)
})
