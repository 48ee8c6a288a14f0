// What the types promise a TypeScript program: the compiler checks each line, strictly.
import { JsonServiceClient } from "@servicestack/client"
import {
    AISessionInfo, AuthTokenInfo, DeleteAISession, ListAISessions, ListResponse, NewAISession,
    PatchAISession, RequestAuthToken, SortOrder, UserInfo, GetAuthStatus,
} from "./dtos.js"

export async function everyAnswerHasItsType(client: JsonServiceClient): Promise<string> {
    const made: AISessionInfo = await client.post(new NewAISession({ purpose: "typed" }))
    const request = new PatchAISession({ sessionId: made.id, purpose: "still typed" })
    const patched: AISessionInfo = await client.patch(request)
    const page: ListResponse<AISessionInfo> = await client.get(
        new ListAISessions({ specificIds: [made.id!], sortOrder: SortOrder.Ascend }),
    )
    const first: AISessionInfo | undefined = page.items![0]
    const gone: void = await client.delete(new DeleteAISession({ sessionId: first!.id }))
    const status: UserInfo = await client.get(new GetAuthStatus())
    const token: AuthTokenInfo = await client.get(new RequestAuthToken({ userId: status.id }))
    // @ts-expect-error a member that there is not
    new NewAISession({ porpoise: "x" })
    // @ts-expect-error a member of another type
    new ListAISessions({ page: "first" })
    return `${gone ?? patched.purpose}, ${token.authToken ? "with a token" : ""}`
}

const client = new JsonServiceClient(process.env.BASE_URL)
client.setCredentials(process.env.ADMIN!, process.env.ADMIN_PASSWORD!)
console.log(await everyAnswerHasItsType(client))
