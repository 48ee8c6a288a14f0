-- What wrk sends. Arguments: method, Authorization, file of session ids, word that makes purposes
-- of this run differ from those of all others, format. POST creates; PATCH and GET go round the ids.
-- PUT goes round those of chat sessions, with the body in the file beside that of the ids.

local method, mark, paths, ids, number, format, entity

local formats = {
   json = {"application/json", '{"accountId":"a1","purpose":"', '"}'},
   xml = {"application/xml",
      '<NewAISession xmlns:i="http://www.w3.org/2001/XMLSchema-instance" ' ..
      'xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">' ..
      "<AccountId>a1</AccountId><Purpose>", "</Purpose></NewAISession>"},
   jsv = {"application/jsv", "{accountId:a1,purpose:", "}"},
   csv = {"text/csv", "AccountId,Purpose\r\na1,", "\r\n"},
}

function init(args)
   method, mark, format, number, paths = args[1], args[4], formats[args[5]], 0, {}
   ids = {}
   local prefix = method == "PUT" and "/api/v1/ChatSession/" or "/ai/sessions/"
   for id in io.lines(args[3]) do
      ids[#ids + 1] = id
      paths[#paths + 1] = prefix .. id
   end
   if method == "PUT" then
      local body = io.open(args[3] .. ".body"):read("*a")
      entity = {body:match('^(.-"ChatSessionId": )%d+(.-"CustomerName": ")[^"]*(.*)$')}
   end
   wrk.headers["Authorization"] = args[2]
   wrk.headers["Content-Type"] = format[1]
   wrk.headers["Accept"] = format[1]
end

function request()
   number = number + 1
   if method == "GET" then
      return wrk.format("GET", paths[number % #paths + 1])
   end
   if method == "PUT" then
      local at = number % #paths + 1
      local name = mark .. "-" .. number
      return wrk.format("PUT", paths[at], nil, entity[1] .. ids[at] .. entity[2] .. name .. entity[3])
   end
   local purpose = "Follow up on invoice " .. mark .. "-" .. number
   if method == "POST" then
      return wrk.format("POST", "/ai/sessions", nil, format[2] .. purpose .. format[3])
   end
   return wrk.format("PATCH", paths[number % #paths + 1], nil, '{"purpose":"' .. purpose .. '"}')
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\nresult {"requests":%d,"duration_us":%d,"refused":%d,"lost":%d,"p50_us":%d,"p99_us":%d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
