# A CI that only has logs, for tests: ci.py answers.
def ask: { method: "GET", secret: ["CI_TOKEN"],
	headers: { Authorization: "Bearer {secret}" } };

if .answer == null then
	if .verb == "steps" then ask + { url: "\(.api)/\(.build.id)/steps" }
	else ask + { url: "\(.api)/\(.build.id)/log/\(.step)" }
		+ { headers: { Authorization: "Bearer {secret}", Range: "bytes=-\(
			if .total then .total - .offset else 64 end)" } }
	end
else
	.answer as { $status, $body }
	| if $status == 200 then $body
	elif $status == 429 then { wait: 1 }
	elif $status >= 500 then { unsure: "ci: \($status)" }
	elif .verb == "log" and ($status == 404 or $status == 416) then {}
	elif $status == 404 then { gone: "ci: no such build" }
	else { error: "ci: \($status)" } end
end
