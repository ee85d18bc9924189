/* SPDX-License-Identifier: MIT */
/* Words for what a process was; see command.h. */
#include "command.h"

#include "pyprof/compiler.h"

void command_add(const struct process *p, struct text *to)
{
	const struct info *argv = &p->infos[PP_INFO_argv];
	const char *word = NULL;

	if (!argv->size)
		text_addc(to, '?');
	while ((word = info_next(argv, word))) {
		if (word != argv->bytes)
			text_addc(to, ' ');
		text_add_quoted(to, word);
	}
}

const char *engine_name(unsigned engine)
{
	static const char *const names[] = {
		[PP_ENGINE_NONE] = "none",
		[PP_ENGINE_TIMER] = "timer",
		[PP_ENGINE_TICKER] = "ticker",
		[PP_ENGINE_ITIMER] = "itimer",
	};

	return engine < ARRAY_LEN(names) ? names[engine] : "?";
}

const char *mode_name(unsigned mode)
{
	static const char *const names[] = {
		[0] = "?",
		[PP_MODE_CPU] = "cpu",
		[PP_MODE_NONE] = "none",
		[PP_MODE_WALL] = "wall",
	};

	return mode < ARRAY_LEN(names) ? names[mode] : "?";
}

const char *trace_name(unsigned trace)
{
	static const char *const names[] = {
		[PP_TRACE_NONE] = NULL,
		[PP_TRACE_CALLS] = "calls",
		[PP_TRACE_LINES] = "lines",
	};

	return trace < ARRAY_LEN(names) ? names[trace] : "?";
}
