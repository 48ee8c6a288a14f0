"""A request that may be sent again: it is answered as the first time, and nothing is done twice."""

import sys
import uuid

import httpx

url, *credentials = sys.argv[1:]
with httpx.Client(base_url=url, auth=httpx.BasicAuth(*credentials)) as client:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = client.post("/ai/sessions", json={"purpose": "triage"}, headers=key)
    again = client.post("/ai/sessions", json={"purpose": "triage"}, headers=key)
    assert again.json()["id"] == first.json()["id"]
    print("replayed:", again.headers["Idempotent-Replayed"])

    # Whoever has read a session changes it only if nobody else did meanwhile.
    session = f"/ai/sessions/{first.json()['id']}"
    seen = client.get(session).headers["ETag"]
    client.patch(session, json={"purpose": "billing"}).raise_for_status()
    late = client.patch(session, json={"purpose": "sales"}, headers={"If-Match": seen})
    print("too late:", late.status_code, "now", client.get(session).json()["purpose"])
