-- For wrk: the lines of a file, asked in turn from a place in it; the numbers on one line.

local requests, at = {}, 0

function init(args)
   for line in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format("GET", line)
   end
   at = tonumber(args[2])
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local failed = summary.errors
   io.write(string.format(
      "\nRESULT %d %d %d %d %d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
