-- wrk's part: post one JSON body over and over, then print one JSON line.
local file = io.open(os.getenv("BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()
for name, value in (os.getenv("HEADERS") or ""):gmatch("([^:\n]+): ([^\n]+)") do wrk.headers[name] = value end

function done(summary, latency)
  local e = summary.errors
  print(string.format('FIGURES {"requests": %d, "us": %d, "p50": %d, "p99": %d, "errors": %d}', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
