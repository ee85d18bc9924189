/* SPDX-License-Identifier: MIT */
/* include/pyprof/settings.c: which values the options of recording take. */
#include "pyprof/settings.h"

#include <signal.h>
#include <string.h>

#include "pyprof/format.h"
#include "unit.h"

static const char *variable, *value;

static const char *get(const char *name)
{
	return variable && strcmp(name, variable) == 0 ? value : NULL;
}

static int parse(const char *name, const char *text, struct settings *s,
		 struct settings_error *err)
{
	variable = name;
	value = text;
	return settings_parse(s, get, err);
}

START_TEST(settings_have_defaults)
{
	struct settings_error err;
	struct settings s;

	ck_assert_int_eq(parse(NULL, NULL, &s, &err), 0);
	ck_assert_str_eq(s.output, "pyprof.%p.bin");
	ck_assert_uint_eq(s.mode, PP_MODE_CPU);
	ck_assert_uint_eq(s.engine, PP_ENGINE_NONE);
	ck_assert_uint_eq(s.period_ns, 0);
	ck_assert_int_eq(s.signal, SIGPROF);
	ck_assert_int_eq(s.children, 1);
	ck_assert_int_eq(s.start, 1);
	ck_assert_uint_eq(s.max_depth, 512);
	ck_assert_int_eq(s.verbose, 1);
}
END_TEST

START_TEST(settings_take_an_empty_value_for_none)
{
	struct settings_error err;
	struct settings s;

	ck_assert_int_eq(parse("PYPROF_RATE", "", &s, &err), 0);
	ck_assert_uint_eq(s.period_ns, 0);
}
END_TEST

START_TEST(settings_know_rates_and_intervals)
{
	static const struct {
		const char *name, *value;
		uint64_t period_ns;
	} cases[] = {
		{ "PYPROF_RATE", "auto", 0 },
		{ "PYPROF_RATE", "250", 4000000 },
		{ "PYPROF_RATE", "10k", 100000 },
		{ "PYPROF_RATE", "10khz", 100000 },
		{ "PYPROF_RATE", "50000", 20000 },
		{ "PYPROF_INTERVAL", "500us", 500000 },
		{ "PYPROF_INTERVAL", "1ms", 1000000 },
		{ "PYPROF_INTERVAL", "0.001", 1000000 },
		{ "PYPROF_INTERVAL", "0.5", 500000000 },
		{ "PYPROF_INTERVAL", "1s", 1000000000 },
	};
	struct settings_error err;
	struct settings s;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(parse(cases[i].name, cases[i].value, &s, &err),
				 0);
		ck_assert_msg(s.period_ns == cases[i].period_ns,
			      "%s=%s is %llu ns", cases[i].name, cases[i].value,
			      (unsigned long long)s.period_ns);
	}
}
END_TEST

static const char *engine_asked;

static const char *get_wall(const char *name)
{
	if (strcmp(name, "PYPROF_MODE") == 0)
		return "wall";
	return strcmp(name, "PYPROF_ENGINE") == 0 ? engine_asked : NULL;
}

START_TEST(settings_have_only_the_ticker_for_wall_mode)
{
	struct settings_error err;
	struct settings s;

	engine_asked = "ticker";
	ck_assert_int_eq(settings_parse(&s, get_wall, &err), 0);
	ck_assert_uint_eq(s.mode, PP_MODE_WALL);
	engine_asked = "timer";
	ck_assert_int_eq(settings_parse(&s, get_wall, &err), -1);
	ck_assert_str_eq(err.flag, "engine");
	ck_assert_str_eq(err.value, "timer");
}
END_TEST

START_TEST(settings_refuse_and_name_bad_values)
{
	static const struct {
		const char *name, *value, *flag;
	} cases[] = {
		{ "PYPROF_RATE", "fast", "rate" },
		{ "PYPROF_RATE", "0", "rate" },
		{ "PYPROF_RATE", "-5", "rate" },
		{ "PYPROF_RATE", "1e9", "rate" },
		{ "PYPROF_RATE", "nan", "rate" },
		{ "PYPROF_INTERVAL", "50", "interval" },
		{ "PYPROF_INTERVAL", "1", "interval" },
		{ "PYPROF_INTERVAL", "0", "interval" },
		{ "PYPROF_INTERVAL", "1us", "interval" },
		{ "PYPROF_MODE", "gpu", "mode" },
		{ "PYPROF_ENGINE", "perf", "engine" },
		{ "PYPROF_SIGNAL", "KILL", "signal" },
		{ "PYPROF_SIGNAL", "RTMIN+1000", "signal" },
		{ "PYPROF_SIGNAL", "RTMIN+1.5", "signal" },
		{ "PYPROF_SIGNAL", "RTMIN+x", "signal" },
		{ "PYPROF_THREADS", "some", "threads" },
		{ "PYPROF_CHILDREN", "yes", "no-children" },
		{ "PYPROF_KEEP_ENV", "2", "keep-env" },
		{ "PYPROF_START", "later", "start" },
		{ "PYPROF_TOGGLE", "PROF", "toggle-signal" },
		{ "PYPROF_TOGGLE", "SEGV", "toggle-signal" },
		{ "PYPROF_RING", "0", "ring" },
		{ "PYPROF_RING", "always", "ring" },
		{ "PYPROF_DELAY", "-1", "delay" },
		{ "PYPROF_DURATION", "soon", "duration" },
		{ "PYPROF_MAX_DEPTH", "0", "max-depth" },
		{ "PYPROF_MAX_DEPTH", "1.5", "max-depth" },
		{ "PYPROF_MAX_DEPTH", "8193", "max-depth" },
		{ "PYPROF_MAX_SIZE", "1", "max-size" },
		{ "PYPROF_VERBOSE", "3", "quiet" },
	};
	struct settings_error err;
	struct settings s;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(parse(cases[i].name, cases[i].value, &s, &err) ==
				      -1,
			      "%s=%s was taken", cases[i].name, cases[i].value);
		ck_assert_str_eq(err.variable, cases[i].name);
		ck_assert_str_eq(err.value, cases[i].value);
		ck_assert_str_eq(err.flag, cases[i].flag);
		ck_assert_ptr_nonnull(err.why);
	}
}
END_TEST

START_TEST(settings_take_the_rest)
{
	struct settings_error err;
	struct settings s;

	ck_assert_int_eq(parse("PYPROF_SIGNAL", "RTMIN+3", &s, &err), 0);
	ck_assert_int_eq(s.signal, SIGRTMIN + 3);
	ck_assert_int_eq(parse("PYPROF_SIGNAL", "SIGUSR2", &s, &err), 0);
	ck_assert_int_eq(s.signal, SIGUSR2);
	ck_assert_int_eq(parse("PYPROF_ENGINE", "itimer", &s, &err), 0);
	ck_assert_uint_eq(s.engine, PP_ENGINE_ITIMER);
	ck_assert_int_eq(parse("PYPROF_DURATION", "2.5", &s, &err), 0);
	ck_assert_uint_eq(s.duration_ns, 2500000000u);
	ck_assert_int_eq(parse("PYPROF_MAX_SIZE", "64M", &s, &err), 0);
	ck_assert_uint_eq(s.max_size, 64u << 20);
	ck_assert_int_eq(parse("PYPROF_THREADS", "main", &s, &err), 0);
	ck_assert_int_eq(s.main_thread_only, 1);
	ck_assert_int_eq(parse("PYPROF_CHILDREN", "0", &s, &err), 0);
	ck_assert_int_eq(s.children, 0);
}
END_TEST

static const char *get_ring_and_trace(const char *name)
{
	if (strcmp(name, "PYPROF_RING") == 0)
		return "5";
	return strcmp(name, "PYPROF_TRACE") == 0 ? "calls" : NULL;
}

static const char *get_off_and_trace(const char *name)
{
	if (strcmp(name, "PYPROF_START") == 0)
		return "off";
	return strcmp(name, "PYPROF_TRACE") == 0 ? "calls" : NULL;
}

static const char *get_toggle_and_trace(const char *name)
{
	if (strcmp(name, "PYPROF_TOGGLE") == 0)
		return "USR2";
	return strcmp(name, "PYPROF_TRACE") == 0 ? "calls" : NULL;
}

START_TEST(settings_refuse_to_switch_tracing)
{
	struct settings_error err;
	struct settings s;

	ck_assert_int_eq(settings_parse(&s, get_ring_and_trace, &err), -1);
	ck_assert_str_eq(err.flag, "ring");
	ck_assert_str_eq(err.value, "5");
	ck_assert_int_eq(settings_parse(&s, get_off_and_trace, &err), -1);
	ck_assert_str_eq(err.flag, "start");
	ck_assert_str_eq(err.value, "off");
	ck_assert_int_eq(settings_parse(&s, get_toggle_and_trace, &err), -1);
	ck_assert_str_eq(err.flag, "toggle-signal");
	ck_assert_str_eq(err.value, "USR2");
}
END_TEST

START_TEST(settings_take_toggle_and_ring)
{
	struct settings_error err;
	struct settings s;

	ck_assert_int_eq(parse("PYPROF_TOGGLE", "USR1", &s, &err), 0);
	ck_assert_int_eq(s.toggle, SIGUSR1);
	ck_assert_int_eq(s.signal, SIGPROF);
	ck_assert_int_eq(parse("PYPROF_RING", "2.5", &s, &err), 0);
	ck_assert_uint_eq(s.ring_ns, 2500000000u);
	ck_assert_int_eq(parse("PYPROF_START", "off", &s, &err), 0);
	ck_assert_int_eq(s.start, 0);
}
END_TEST

UNIT_MAIN(settings, settings_have_defaults,
	  settings_take_an_empty_value_for_none,
	  settings_know_rates_and_intervals,
	  settings_have_only_the_ticker_for_wall_mode,
	  settings_refuse_and_name_bad_values, settings_take_the_rest,
	  settings_refuse_to_switch_tracing, settings_take_toggle_and_ring)
