"""A customer waits in the queue, an agent picks the chat up, and both say something."""

import sys

import httpx

CHATS = "/api/v1/ChatSession"

url, *credentials = sys.argv[1:]
with httpx.Client(base_url=url, auth=httpx.BasicAuth(*credentials)) as client:
    waiting = {"CustomerName": "Kim", "Status": "InQueue"}
    chat = client.post(CHATS, json=waiting).raise_for_status().json()["ChatSessionId"]
    client.post(f"{CHATS}/{chat}/Pickup").raise_for_status()
    for to, text in (("ToUser", "Hello?"), ("ToCustomer", "How can I help?")):
        message = {"Type": to, "Message": text}
        client.post(f"{CHATS}/{chat}/Messages", json=message).raise_for_status()
    for message in client.get(f"{CHATS}/{chat}/Messages").json():
        print(message["Type"], message["Message"])
    print(client.get(f"{CHATS}/{chat}").json()["Status"])
