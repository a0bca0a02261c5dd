-- wrk script: the bodies in the given files in rotation, one summary line of JSON at the end.
-- wrk … -s rotate.lua URL -- CONTENT_TYPE AUTHORIZATION FILE…      (AUTHORIZATION "-": none)
local requests, at = {}, 0

function init(args)
  local headers = { ["Content-Type"] = args[1] }
  if args[2] ~= "-" then headers["Authorization"] = args[2] end
  for i = 3, #args do
    local file = assert(io.open(args[i], "rb"))
    requests[#requests + 1] = wrk.format("POST", nil, headers, file:read("*a"))
    file:close()
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "errors": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
