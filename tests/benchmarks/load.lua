-- What wrk sends. Arguments: method, Authorization, file of session ids, word that makes purposes
-- of this run differ from those of all others. POST creates; PATCH and GET go round the ids.

local method, mark, paths, number

function init(args)
   method, mark, number, paths = args[1], args[4], 0, {}
   for id in io.lines(args[3]) do
      paths[#paths + 1] = "/ai/sessions/" .. id
   end
   wrk.headers["Authorization"] = args[2]
   wrk.headers["Content-Type"] = "application/json"
end

function request()
   number = number + 1
   if method == "GET" then
      return wrk.format("GET", paths[number % #paths + 1])
   end
   local purpose = '"purpose":"Follow up on invoice ' .. mark .. "-" .. number .. '"}'
   if method == "POST" then
      return wrk.format("POST", "/ai/sessions", nil, '{"accountId":"a1",' .. purpose)
   end
   return wrk.format("PATCH", paths[number % #paths + 1], nil, "{" .. purpose)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\nresult {"requests":%d,"duration_us":%d,"refused":%d,"lost":%d,"p50_us":%d,"p99_us":%d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
