# sheet.jq: what came of a class
#
#   jq -nr --slurpfile class OUT/list.json -f grading/class/sheet.jq OUT/done/*.json
#
# Each line begins with the file that it is a line of, and a tab (grading/class/sheet):
# class.csv, tests.csv (how many pass, which message is most frequent), index.html, odd.html
# (what a person should look at), page/ID.html.
#
# No time and no host is in the CSV: a class that was stopped and went on has the same.
# What came from a submission is plain text there (base/strings.c); here it is escaped.
# A cell that a spreadsheet would compute has an apostrophe before it.
($class[0] | .students[].name |= gsub("\n"; "\\x0A")) as $c |
(reduce inputs as $r ({}; .[input_filename | sub(".*/"; "") | sub("[.]json$"; "")] = $r)) as $results |

# A student with what came of it: {id, name, seed, why?, sha?, r: a result or null}.
def with_state: . + { state:
	(if .why then "not taken"
	elif .r == null then "not graded"
	elif .r.tests == [] or .r.tests[0].status == "build" then "does not build"
	elif .r.tests[0].status == "gate" and .r.build then "refused"
	else "graded" end) };
# A result of what was handed in before, or of another seed, is none of this file.
def of_this($r): $r != null and $r.environment.submission_sha256 == .sha and
	($r.tests[0].seed // .seed) == .seed;
[$c.students[] | $results[.id] as $r | . + { r: (if .why == null and of_this($r) then $r else null end) } |
	with_state] as $all |

def said: (.failed[0] | .hint // .what) // "";
# Of what the compiler says, its first error.
def message: .why // (if .state == "refused" then .r.build
	elif .state == "does not build" then first((.r.build // "") | split("\n")[] | select(test("error|undefined")))
	else null end) //
	first(.r.tests[]? | said | select(. != "")) // "";
# Of each test: who passed it, and what is said most often to who did not.
[range($c.tests | length) as $i | [$all[].r.tests[$i]? | values] as $got |
	$c.tests[$i] + { of: ($got | length), passed: ($got | map(select(.status == "pass")) | length),
	most: ($got | map(said | select(. != "")) | group_by(.) | map({ said: .[0], times: length }) |
		sort_by(-.times)[0] // { said: "", times: 0 }) }] as $tests |

# What was not graded has no score: nobody reads a 0 into it.
def points: if .state == "not graded" then "–" else "\(.r.score // 0)" end;
def lines($file): split("\n")[] | "\($file)\t\(.)";
def cells: map(if type == "string" then gsub("\n"; "\\x0A") | sub("^(?=[=+@-])"; "'") else . end) | @csv;
def html: tostring | @html;
def head: "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\"" +
	"default-src 'none'; style-src 'unsafe-inline'\"><title>\(html)</title><style>" +
	"body{font:16px sans-serif;margin:2em;max-width:70em}td,th{padding:.2em .8em;text-align:left;" +
	"border-bottom:1px solid #ccc;overflow-wrap:anywhere}pre{white-space:pre-wrap}" +
	"</style><h1>\(html)</h1>";
def row($cells): "<tr>" + ($cells | map("<td>\(html)") | join(""));
def link: "<td><a href=\"page/\(.id).html\">\(.name | html)</a>";

def page: .name as $name | .id as $id | ($name | head),
	"<p>\($c.lab | html): <b>\(points)</b> of \(.r.max // 100), \(.state). \(.why // "" | html)",
	(if .why then empty else "<p><a href=\"../in/\($id).c\">what was handed in</a>, seed \(.seed)" end),
	(.r.build // empty | "<pre>\(html)</pre>"),
	"<table><tr><th>test<th>what<th>points<th>verdict",
	(.r.tests[]? | row([.id, .name, "\(.points)/\(.max)", .status]),
		(.failed[] | "<tr><td><td colspan=3><pre>" + ([
			(["what", "expected", "got", "region", "hint"][] as $k | select(.[$k]) |
				"\("\($k)         "[:9]) \(.[$k] | html)"),
			(.look | select(.symbol) | "look at   \(.symbol | html) \(.line // "" | sub(".*/"; "") | html)")
			] | join("\n")) + "</pre>")),
	"</table>";

# Twice the same bytes, in the order of the names: the later one is like the first.
(reduce ($all[] | select(.sha)) as $w ({}; .[$w.sha] //= $w.name)) as $first |
([$all[].r.duration_ms | values] | sort | .[length / 2 | floor] // 0) as $median |
# Behind a mended test, or on a host that was not built anew, some are judged otherwise.
def judge: .r.environment | [.tests_sha256, .kernel_sha256];
([$all[] | select(.r) | judge] | group_by(.) | max_by(length)[0]) as $most |
def odd: if .why then .why
	elif .r == null then "not graded: the host's trouble, run it again"
	elif .sha == $c.starter then "the starter as it was given"
	elif $first[.sha] != .name then "the same file as \($first[.sha])" else empty end,
	(select(.state == "graded" and .r.trust != "full") | "the observer was not there for all of it"),
	(select(.r and judge != $most) | "graded with other tests or another kernel than most: make regrade"),
	(select($median > 0 and (.r.duration_ms // 0) > 3 * $median) | "took more than three times as long as most"),
	(.r.tests[]? | select(.forged) | "\(.id): does what no lab's file does: look at it yourself");

((["student", "score", "max", "state", "seed", "message"] + [$tests[].id] | join(",")),
	($all[] | [.name] + (if .state == "not graded" then [null, null] else [.r.score // 0, 100] end) +
		[.state, .seed, message] + [range($tests | length) as $i | .r.tests[$i].points?] | cells)
	| lines("class.csv")),
("test,name,passed,of,times,most frequent message",
	($tests[] | [.id, .name, .passed, .of, .most.times, .most.said] | cells) | lines("tests.csv")),
(($c.lab | head), "<p><a href=\"odd.html\">What looks odd</a> · <a href=\"class.csv\">class.csv</a> · " +
	"<a href=\"tests.csv\">tests.csv</a>", "<table><tr><th>student<th>score<th>state",
	($all[] | "<tr>\(link)<td>\(points)<td>\(.state)\(if .why then ": \(.why | html)" else "" end)"),
	"</table><h2>Tests</h2><table><tr><th>test<th>name<th>passed<th>most frequent message",
	($tests[] | row([.id, .name, "\(.passed) of \(.of)",
		(if .most.times > 0 then "\(.most.times) × " else "" end) + .most.said])),
	"</table>" | lines("index.html")),
(("What looks odd" | head), "<p>Nothing here has cost points. It is for you to look at.",
	"<table><tr><th>student<th>what", ($all[] | "<tr>\(link)<td>\(odd | html)"), "</table>" | lines("odd.html")),
($all[] | .id as $id | page | lines("page/\($id).html"))
