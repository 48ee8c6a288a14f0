"""Messages of the two APIs' documents, byte for byte: real input for several tests."""

PUT_CHAT_SESSION = b"""{
"ChatSessionId": 446,
"TopicId": 918,
"User": null,
"Person": null,
"CustomerAlias": "accusamus",
"CustomerHost": "voluptates",
"CustomerName": "Nolan-Lubowitz",
"CustomerEmail": "sophie@williamsonglover.uk",
"CustomerPhone": "1-233-953-9004",
"CustomerConsented": false,
"CustomerCompanyName": "Bruen, Torp and Kautzer",
"Status": "Closed",
"FirstMessage": "consectetur",
"LastMessage": "vero",
"WhenRequested": "2018-11-21T16:32:47.1492785+01:00",
"WhenStarted": "2002-01-24T16:32:47.1492785+01:00",
"WhenEnded": "2016-05-08T16:32:47.1492785+02:00",
"WhenIdle": "2024-03-22T16:32:47.1492785+01:00",
"WhenFetched": "2009-08-21T16:32:47.1492785+02:00",
"SessionKey": "aliquam",
"InitialQueuePos": 161,
"AlertLevel": 504,
"Rank": 992,
"Flags": "CustomerIsTyping",
"Contact": null,
"Project": null,
"Sale": null,
"Ticket": null,
"TransferTo": null,
"ChatbotIsActive": false,
"Rating": 751
}"""
"""The request body of `PUT /api/v1/ChatSession/{id}`."""

# Where the documents have a placeholder, they have `String`.
NEW_IN_XML = b"""\
<NewAISession xmlns:i="http://www.w3.org/2001/XMLSchema-instance" \
xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">
  <AccountId>String</AccountId>
  <Purpose>String</Purpose>
</NewAISession>"""
"""The request body of `POST /ai/sessions` in XML."""
PATCH_IN_XML = b"""\
<PatchAISession xmlns:i="http://www.w3.org/2001/XMLSchema-instance" \
xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">
  <Purpose>String</Purpose>
  <SessionId>String</SessionId>
</PatchAISession>"""
"""The request body of `PATCH /ai/sessions/{SessionId}` in XML."""
INFO_IN_XML = b"""\
<AISessionInfo xmlns:i="http://www.w3.org/2001/XMLSchema-instance" \
xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">
  <CreatedBy xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</CreatedBy>
  <DateCreated xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</DateCreated>
  <DateLastModified xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">\
String</DateLastModified>
  <Id xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</Id>
  <LastModifiedBy xmlns="http://schemas.datacontract.org/2004/07/Voice.Api">String</LastModifiedBy>
  <AccountId>String</AccountId>
  <AccountName>String</AccountName>
  <Purpose>String</Purpose>
</AISessionInfo>"""
"""What both are answered with in XML."""
NEW_IN_JSV = b"{\n\taccountId: String,\n\tpurpose: String\n}"
PATCH_IN_JSV = b"{\n\tsessionId: String,\n\tpurpose: String\n}"
INFO_IN_JSV = (
    b"{\n\taccountId: String,\n\taccountName: String,\n\tpurpose: String,\n\tid: String,"
    b"\n\tdateCreated: String,\n\tdateLastModified: String,\n\tcreatedBy: String,"
    b"\n\tlastModifiedBy: String\n}"
)
NEW_IN_JSON = b'{"accountId":"String","purpose":"String"}'
PATCH_IN_JSON = b'{"sessionId":"String","purpose":"String"}'
INFO_IN_JSON = (
    b'{"accountId":"String","accountName":"String","purpose":"String","id":"String",'
    b'"dateCreated":"String","dateLastModified":"String","createdBy":"String",'
    b'"lastModifiedBy":"String"}'
)
