package detect

import (
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

// rustTrace: std's panic message, before and since 1.73, and std::backtrace.
func rustTrace() classify.Detector {
	return traceRule(runtime{
		id: "rust", name: "Rust",
		anchors: []string{"panicked at ", ".rs:", "/rustc/"},
		frame: regexp.MustCompile(`thread ` + tickRE + `[^'\n]{1,80}` + tickRE + `(?: \(\d+\))? panicked at |panicked at [^\n]{0,200}\.rs:\d+:\d+|` +
			`\d+: [^\n]{1,200}` + lineRE + `at [^\s"]{1,200}\.rs:\d+|/rustc/[0-9a-f]{40}/library/`),
		fixes: map[string]string{
			"actix": "Map errors with ResponseError; never format {:?} of an error into a body.", "axum": "Implement IntoResponse for the error; CatchPanicLayer::custom.",
		},
	})
}

// elixirTrace: Exception.format_stacktrace_entry of Elixir, with and without
// versions, and the stack items of Erlang.
func elixirTrace() classify.Detector {
	return traceRule(runtime{
		id: "elixir", name: "Elixir",
		anchors: []string{
			".ex:", ".exs:", ".erl:", ".eex:", ".heex:", "{file,\"", "** (RuntimeError)", "** (KeyError)", "** (ArgumentError)", "** (MatchError)", "** (FunctionClauseError)",
			"** (CaseClauseError)", "** (UndefinedFunctionError)", "** (ArithmeticError)", "** (BadMapError)", "** (Ecto.", "** (Postgrex.", "** (Phoenix.",
			"** (Plug.", "** (Jason.", "** (DBConnection.", "** (exit)",
		},
		frame: regexp.MustCompile(`\([a-z]\w*(?: [^()\s]{1,30})?\) [^\s"]{1,160}\.(?:exs?|erl|h?eex):\d+: \S|\[\{file,\s?` + quoteRE + `[^"\n]{1,200}` + quoteRE +
			`\},\s?\{line,\s?\d+\}|\*\* \((?:[A-Z][\w.]*(?:Error|Exception)|exit|throw|EXIT from #PID<[\d.]+>)\) `),
		fixes: map[string]string{"phoenix": "debug_errors: false in the endpoint and an ErrorJSON view that tells the status only."},
	})
}

// nativeTrace: backtraces of glibc (backtrace_symbols), gdb and the LLVM
// sanitizers, and crash reports of Apple's systems.
func nativeTrace() classify.Detector {
	return traceRule(runtime{
		id: "native", name: "native code",
		anchors: []string{"AddressSanitizer: ", " 0x0000", " 0x00007", "[0x", "#0 0x", "#0  0x", "#1  0x", "Thread 0 Crashed", "Fatal error: ", ".swift, line "},
		frame: regexp.MustCompile(`ERROR: (?:Address|Thread|Memory|Leak|UndefinedBehavior)Sanitizer: |#\d+ {1,3}0x[0-9a-f]{6,16} in \S|` +
			`\b\d{1,3} {1,4}\S{1,60}\s+0x[0-9a-f]{8,16} [^\n]{1,160} \+ \d+|\([\w.@:~]*\+0x[0-9a-f]+\) ?\[0x[0-9a-f]{6,16}\]|` +
			`Fatal error: [^\n]{1,200}: file [^\s"]{1,160}\.swift, line \d+|\.swift:\d+: Fatal error: `),
		fixes: map[string]string{"cpp": "Install a handler that writes the backtrace to the log, and answer with a generic text."},
	})
}

// otherTrace: runtimes that are rarer behind an API and whose frames nothing
// else writes: Perl (die and Carp), Lua (debug.traceback), Dart
// (StackTrace.toString), Haskell (prettyCallStack), OCaml (Printexc), ColdFusion.
func otherTrace() classify.Detector {
	return traceRule(runtime{
		id: "other", name: "Perl, Lua, Dart, Haskell or OCaml",
		anchors: []string{
			".pl line ", ".pm line ", ".cgi line ", ".psgi line ", "stack traceback:", ".dart:", ".dart ", "CallStack (from HasCallStack)", "Raised at ", "Called from ",
			".cfm: line ", ".cfc: line ",
		},
		frame: regexp.MustCompile(`(?:\b|\\[nt])(?:called )?at [^\s"]{1,200}\.(?:pl|pm|cgi|psgi) line \d+|stack traceback:(?:\n|\\n|<br)|` +
			`#\d+ {2,}[^\n]{1,120} \((?:package|dart|file):[^\s()]{1,200}:\d+|(?:package|dart):\S{1,120}\.dart \d+:\d+ {2,}\w|` +
			`CallStack \(from HasCallStack\):` + lineRE + `\S|(?:Raised|Called) (?:at|from) \S{1,80} in file ` + quoteRE + `[^"\n]{1,160}` + quoteRE + `, lines? \d|` +
			`occurred in [^\n"]{1,200}\.cf[mc]: line \d+`),
		fixes: map[string]string{"perl": "Plack::Middleware::HTTPExceptions, no StackTrace middleware in production."},
	})
}
