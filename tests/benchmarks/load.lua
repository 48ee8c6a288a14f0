-- What wrk sends. Arguments: method, Authorization, file of session ids, word that makes purposes
-- of this run differ from those of all others, format. POST creates; PATCH and GET go round the ids.
-- PUT goes round those of chat sessions, with the body in the file beside that of the ids. MIXED
-- takes turns: with the ids as PATCH has them, and those of chat sessions in the file beside.
-- A sixth argument, milliseconds, is how long each connection pauses before a request; then each
-- refusal is looked at, too.

local method, mark, paths, ids, number, format, entity, chats

local formats = {
   json = {"application/json", '{"accountId":"a1","purpose":"', '"}'},
   xml = {"application/xml",
      '<NewAISession xmlns:i="http://www.w3.org/2001/XMLSchema-instance" ' ..
      'xmlns="http://schemas.datacontract.org/2004/07/Voice.Api.AI">' ..
      "<AccountId>a1</AccountId><Purpose>", "</Purpose></NewAISession>"},
   jsv = {"application/jsv", "{accountId:a1,purpose:", "}"},
   csv = {"text/csv", "AccountId,Purpose\r\na1,", "\r\n"},
}

-- Of the requests of MIXED; one in sixteen is a list instead, by turns of either kind.
local turns = {"POST", "GET", "PUT", "PATCH", "GET CHAT"}
local lists = {"LIST", "LIST CHATS"}

local function lines(file)
   local found = {}
   for line in io.lines(file) do
      found[#found + 1] = line
   end
   return found
end

local threads = {}
wrong = 0 -- refusals that are no 503 or 429 with Retry-After

function setup(thread)
   threads[#threads + 1] = thread
end

local function watch(pause)
   function delay()
      return pause
   end
   function response(status, headers)
      local told = (status == 503 or status == 429) and headers["retry-after"]
      if status >= 400 and not told then
         wrong = wrong + 1
      end
   end
end

function init(args)
   if args[6] then
      watch(tonumber(args[6]))
   end
   method, mark, format, number, paths = args[1], args[4], formats[args[5]], 0, {}
   ids = lines(args[3])
   for each, id in ipairs(ids) do
      paths[each] = "/ai/sessions/" .. id
   end
   local chats_file = method == "MIXED" and args[3] .. ".chats" or args[3]
   if method == "PUT" or method == "MIXED" then
      chats = lines(chats_file)
      local body = io.open(chats_file .. ".body"):read("*a")
      entity = {body:match('^(.-"ChatSessionId": )%d+(.-"CustomerName": ")[^"]*(.*)$')}
   end
   wrk.headers["Authorization"] = args[2]
   wrk.headers["Content-Type"] = format[1]
   wrk.headers["Accept"] = format[1]
end

local function chat_path(at)
   return "/api/v1/ChatSession/" .. chats[at]
end

local function requested(method)
   if method == "GET" then
      return wrk.format("GET", paths[number % #paths + 1])
   elseif method == "GET CHAT" then
      return wrk.format("GET", chat_path(number % #chats + 1))
   elseif method == "LIST" then
      return wrk.format("GET", "/ai/sessions?take=20")
   elseif method == "LIST CHATS" then
      return wrk.format("GET", "/api/v1/ChatSession?$top=20")
   elseif method == "PUT" then
      local at = number % #chats + 1
      local body = entity[1] .. chats[at] .. entity[2] .. mark .. "-" .. number .. entity[3]
      return wrk.format("PUT", chat_path(at), nil, body)
   end
   local purpose = "Follow up on invoice " .. mark .. "-" .. number
   if method == "POST" then
      return wrk.format("POST", "/ai/sessions", nil, format[2] .. purpose .. format[3])
   end
   return wrk.format("PATCH", paths[number % #paths + 1], nil, '{"purpose":"' .. purpose .. '"}')
end

local function mixed()
   if number % 16 == 0 then
      return lists[number / 16 % #lists + 1]
   end
   return turns[number % #turns + 1]
end

function request()
   number = number + 1
   return requested(method == "MIXED" and mixed() or method)
end

function done(summary, latency)
   local errors, untold = summary.errors, 0
   for _, thread in ipairs(threads) do
      untold = untold + thread:get("wrong")
   end
   io.write(string.format(
      '\nresult {"requests":%d,"duration_us":%d,"refused":%d,"lost":%d,"wrong":%d,"p50_us":%d,"p99_us":%d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout, untold,
      latency:percentile(50), latency:percentile(99)))
end
