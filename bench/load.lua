-- wrk's part of bench-flip: GET and POST in turn over keep-alive connections. wrk never repeats a request.
-- Each thread counts what it got by status and by version; `done` adds them up as one line of JSON.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(_)
  turn, ok, bad = 0, 0, 0
  versions, others = "", ""
  seen = {}
  local headers = { ["Host"] = "app1.foo", ["Content-Type"] = "application/json" }
  get = wrk.format("GET", "/version", headers)
  post = wrk.format("POST", "/echo", headers, '{"text": "' .. string.rep("x", 500) .. '"}')
end

function request()
  turn = turn + 1
  if turn % 2 == 0 then return get end
  return post
end

-- Milliseconds before the next request of a connection: enough load to show a loss, and cores left for the changes.
function delay()
  return 3
end

function response(status, headers, _)
  local version = headers["X-Version"] or headers["x-version"] or "none"
  if status == 200 then ok = ok + 1 else bad = bad + 1 end
  if not seen[version] then
    seen[version] = true
    versions = versions .. version .. " "
  end
end

function done(summary, _, _)
  local good, failed, names = 0, 0, ""
  for _, thread in ipairs(threads) do
    good = good + thread:get("ok")
    failed = failed + thread:get("bad")
    names = names .. thread:get("versions")
  end
  local e = summary.errors
  print(string.format('RESULT {"ok": %d, "bad_status": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d, "versions": "%s"}',
    good, failed, e.connect, e.read, e.write, e.timeout, names))
end
