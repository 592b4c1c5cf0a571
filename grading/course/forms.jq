# forms.jq: a result (result.json) in the words of other systems
#
#   jq -r --arg form junit -f grading/course/forms.jq DIR/result.json
#
# junit       <testsuite name="step 4"> <testcase> <failure message="…">
# github      ::error file=…,line=…,title=05/t08::…
# gitlab      Code Quality: [{ description, location: { path, lines: { begin } } }]
# gradescope  { score, tests: [{ score, max_score, output }] }
#
# What came from a submission is plain text there (report/json.c); here it is escaped.
# A host's trouble is no score: gradescope is an error then.
. as $r |

# The sentence that teaches, and where to look: a function, or what a compiler named.
def message: if .failed == [] then "\(.status): \($r.build // "")" else .failed[0] |
	(if .expected then "expected \(.expected); " else "" end) + "got \(.got // .what)" +
	(if .hint then "; so \(.hint)" else "" end) end;
def place: (.failed[0].look.line // "" | capture("^(?<path>.*):(?<line>[0-9]+)$")) //
	{ path: $r.file, line: (($r.build // "" | capture("(^line |[.]c:)(?<line>[0-9]+)") | .line) // "1") };
def lost: .tests[] | select(.status != "pass");

def xml: @html | gsub("\n"; "&#10;");
def trouble: if .status == "pass" then "" else
	(if .status == "infra" then "error" else "failure" end) as $e |
	"<\($e) type=\"\(.status)\" message=\"\(message | xml)\"/>" end;
def case: "  <testcase classname=\"\($r.lab)\" name=\"\("\(.id) \(.name)" | xml)\" time=\"\(.wall_ms / 1000)\">" +
	trouble + "</testcase>";
def suite: (map(select(.status == "infra")) | length) as $errors |
	" <testsuite name=\"\($r.lab) step \(.[0].step)\" tests=\"\(length)\"" +
	" failures=\"\((map(select(.status != "pass")) | length) - $errors)\" errors=\"\($errors)\"" +
	" timestamp=\"\($r.started[:19])\">", (.[] | case), " </testsuite>";

def command: gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A");
def property: command | gsub(","; "%2C") | gsub(":"; "%3A");

if $form == "junit" then
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites>",
	(.tests | group_by(.step)[] | suite), "</testsuites>"
elif $form == "github" then
	(lost | "::error file=\(place.path | property),line=\(place.line)," +
		"title=\("\(.id) \(.name)" | property)::\(message | command)"),
	"::notice title=\(.lab)::\(.score) of \(.max) points"
elif $form == "gitlab" then
	[lost | { description: "\(.id) \(.name): \(message)", check_name: .id,
		fingerprint: "\($r.lab) \(.id)",
		severity: (if .status == "infra" then "info" else "major" end),
		location: { path: place.path, lines: { begin: (place.line | tonumber) } } }]
elif $form == "gradescope" then
	if any(.tests[]; .status == "infra") then error("the host was in trouble: no result") else
	{ score, execution_time: (.duration_ms / 1000 | floor), stdout_visibility: "hidden",
		output: (.build // "\(.lab): \(.score) of \(.max) points, seed \(.tests[0].seed)"),
		tests: [.tests[] | { name: "step \(.step): \(.title)", number: "\(.step).\(.id | split("/")[1])",
			score: .points, max_score: .max, visibility: "visible",
			status: (if .status == "pass" then "passed" else "failed" end),
			output: (.hidden // if .status == "pass" then "" else message end) }] } end
else error("form \($form): junit, github, gitlab or gradescope") end
