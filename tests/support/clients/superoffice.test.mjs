// The vendor's own client for JavaScript against a running service, in the zone that TZ names;
// `node --test` runs it. The environment names the service (BASE_URL) and a bearer token (TOKEN).
import assert from "node:assert/strict"
import { createRequire } from "node:module"
import { test } from "node:test"

// Its modules for `import` lack the extensions that Node asks for.
const { WebApi } = createRequire(import.meta.url)("@superoffice/webapi")
const { BASE_URL, TOKEN } = process.env
const headers = { Authorization: `Bearer ${TOKEN}` }
const chat = (...languages) => new WebApi(`${BASE_URL}/`, { headers }, ...languages).getChatAgent()
const WHEN = ["whenRequested", "whenStarted", "whenEnded", "whenIdle", "whenFetched"]
const unset = new Date("0001-01-01T00:00:00")

async function waiting(changes = {}) {
    const entity = await chat().createDefaultChatSessionEntityAsync()
    return chat().saveChatSessionEntityAsync({ ...entity, status: "InQueue", ...changes })
}

test("dates that are not set stay so, and nobody jumps the queue", async () => {
    const before = Date.now()
    const saved = await waiting()
    assert.ok(Math.abs(saved.whenRequested.getTime() - before) < 26 * 3_600_000, saved.whenRequested)
    for (const name of WHEN.slice(1))
        assert.equal(saved[name].getTime(), unset.getTime(), name)
})

test("what was read is saved without a change", async () => {
    const saved = await waiting({ customerName: "Kim" })
    const read = await chat().getChatSessionEntityAsync(saved.chatSessionId)
    const again = await chat().saveChatSessionEntityAsync({ ...read, whenRequested: unset })
    assert.deepEqual(again, read)
})

test("dates of what is referred to are not set either", async () => {
    const project = { projectId: 1, updated: unset, startDate: unset }
    const saved = await waiting({ project })
    assert.equal(saved.project.updated.getTime(), unset.getTime())
    const end = new Date("9999-12-31T23:59:59.9999999")
    const forEver = await waiting({ project: { projectId: 1, publishTo: end } })
    assert.ok(forEver.project.publishTo.getFullYear() >= 9999)
})

test("a text in several languages is shown in the client's", async () => {
    const categoryName = 'US:"Vendor";GE:"Lieferant";SW:"Leverantör"'
    const { chatSessionId } = await waiting({ contact: { contactId: 1, categoryName } })
    const shown = async language =>
        (await chat(language).getChatSessionEntityAsync(chatSessionId)).contact.categoryName
    assert.equal(await shown("de"), "Lieferant")
    assert.equal(await shown("sv-SE"), "Leverantör")
    assert.equal(await shown("GE"), "Lieferant")
})

test("a long message is taken", async () => {
    const { chatSessionId } = await waiting()
    const message = "é".repeat(60_000)
    const posted = await chat().addChatMessageAsync(chatSessionId, { message })
    assert.equal(posted.message, message)
})
